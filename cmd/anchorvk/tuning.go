package main

import (
	"errors"

	"github.com/anchorvk/anchorvk/internal/cachedir"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// storeWords are what plans and errors call things of the store.
var storeWords = tune.Words{
	From:      "bench --tune",
	Again:     "`anchorvk bench --tune` measures again",
	Elsewhere: "set ANCHORVK_CACHE_DIR to one that can be written to",
}

// tuningStore is where `bench --tune` keeps what it finds out. It is not
// touched yet.
func (a *app) tuningStore() (*tune.Store, error) {
	dir, err := cachedir.Dir(a.env.get)
	if err != nil {
		return nil, err
	}
	kernels, err := tune.KernelDigest()
	return tune.OpenStore(dir, kernels, storeWords), err
}

// storedTuning are the stored choices for a device. They only make kernels
// faster, so whatever is wrong with them is no error.
func (a *app) storedTuning(r *vk.Report) []tuning.Rule {
	if a.env.get("ANCHORVK_TUNING") == "off" {
		return nil
	}
	store, err := a.tuningStore()
	if err != nil {
		if !errors.Is(err, cachedir.ErrOff) {
			a.log.Debug("no stored tuning", "reason", err)
		}
		return nil
	}
	choices, warnings := store.Load(r)
	for _, w := range warnings {
		a.log.Warn("stored tuning is left out", "reason", w)
	}
	for _, c := range choices {
		a.log.Debug("stored tuning", "tier", c.When.Tiers[0], "head_dim", c.When.HeadDim.From, "why", c.Why)
	}
	return choices
}
