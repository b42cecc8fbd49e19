package tune

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/atomicfile"
	"github.com/anchorvk/anchorvk/internal/privatefile"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// Store is a directory of what sweeps found out: a file for each device, tier
// and head dimension, which appears whole or not at all and which its owner
// alone may read.
type Store struct {
	dir     string
	modules string
	words   Words
}

// Words are what a store's plans and errors call things.
type Words struct {
	From      string // where a choice is from
	Again     string // how to measure again
	Elsewhere string // how to take another directory
}

// OpenStore returns the store below a cache directory, for the kernels with
// that digest. Nothing is read or made yet.
func OpenStore(cacheDir, modules string, words Words) *Store {
	return &Store{filepath.Join(cacheDir, "tuning"), modules, words}
}

// KernelDigest is the digest of the kernels that are built in.
func KernelDigest() (string, error) {
	list, err := shaders.Modules()
	if err != nil {
		return "", err
	}
	all := sha256.New()
	for _, m := range list {
		digest, err := shaders.Digest(m.Name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%s %s\n", m.Name, digest)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// maxBytes is more than any entry has.
const maxBytes = 64 << 10

// Load returns the choices for a device. What cannot be used, because it is
// damaged, stale or of another device, is left out with a warning: a store
// never keeps a program from running.
func (s *Store) Load(r *vk.Report) (choices []tuning.Rule, warnings []error) {
	atomicfile.Sweep(s.dir)
	listed, err := os.ReadDir(s.dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			warnings = append(warnings, fmt.Errorf("%s %w", s.dir, cause(err)))
		}
		return nil, warnings
	}
	there := map[string]bool{}
	for _, f := range listed {
		there[f.Name()] = true
	}
	device := DeviceOf(r)
	for _, tier := range tuning.Tiers(r) {
		if !tier.OK {
			continue
		}
		for dim := 8; dim <= problem.MaxHeadDim; dim += 8 {
			if !there[fileName(device, tier.Name, dim)] {
				continue
			}
			entry, err := s.find(device, tier.Name, dim)
			switch {
			case err != nil:
				warnings = append(warnings, err)
			case entry != nil:
				choices = append(choices, entry.Rule(s.words.From))
			}
		}
	}
	return choices, warnings
}

// Find returns the winner for a device, a tier and a head dimension, or nil
// where there is none that can be used.
func (s *Store) Find(r *vk.Report, tier tuning.Tier, headDim int) *Entry {
	entry, _ := s.find(DeviceOf(r), tier, headDim)
	return entry
}

func (s *Store) find(device Device, tier tuning.Tier, headDim int) (*Entry, error) {
	path := filepath.Join(s.dir, fileName(device, tier, headDim))
	entry, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = entry.usable(device, s.modules)
	}
	if err == nil && (entry.Tier != tier || entry.HeadDim != headDim) {
		err = fmt.Errorf("is for tier %s, head_dim %d, which its name denies", entry.Tier, entry.HeadDim)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w; %s", path, err, s.words.Again)
	}
	return entry, nil
}

func read(path string) (*Entry, error) {
	text, err := privatefile.Read(path, maxBytes)
	if err != nil {
		return nil, cause(err)
	}
	return parse(text)
}

// cause is the reason alone: the caller names the file.
func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("cannot be used: %w", err)
}

// Save stores the winner for a device, a tier and a head dimension, in place
// of an earlier one. The fields Schema, Device and Modules are filled in.
func (s *Store) Save(r *vk.Report, e Entry) error {
	e.Schema, e.Device, e.Modules = Schema, DeviceOf(r), s.modules
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := s.make(); err != nil {
		return err
	}
	return privatefile.Write(filepath.Join(s.dir, fileName(e.Device, e.Tier, e.HeadDim)), append(text, '\n'))
}

// Keep stores an entry that wins, or forgets an earlier one in place of which
// nothing wins; removed says whether there was one.
func (s *Store) Keep(r *vk.Report, e Entry) (removed bool, err error) {
	if e.Wins() {
		return false, s.Save(r, e)
	}
	return s.Remove(r, e.Tier, e.HeadDim)
}

// make makes the directory.
func (s *Store) make() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("cannot make a directory for tuning: %w; %s", err, s.words.Elsewhere)
	}
	return nil
}

// Remove forgets the winner for a device, a tier and a head dimension; found
// says whether there was one.
func (s *Store) Remove(r *vk.Report, tier tuning.Tier, headDim int) (found bool, err error) {
	err = os.Remove(filepath.Join(s.dir, fileName(DeviceOf(r), tier, headDim)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Writable says why nothing can be stored, or nil. It makes the directory.
func (s *Store) Writable() error {
	if err := s.make(); err != nil {
		return err
	}
	f, err := atomicfile.CreatePrivate(filepath.Join(s.dir, "probe.json"))
	if err == nil {
		f.Abort()
	}
	return err
}
