package profile_test

import (
	"fmt"
	"log"

	"github.com/anchorvk/anchorvk/attention/profile"
)

// Parameters for the layers of a model, from a profile that `anchorvk eval
// --target` has written, checked before anything is computed.
func Example() {
	p, err := profile.Parse([]byte(`{"schema": 1, "model": "SmolLM2-135M-Instruct", "preset": "safe", "heads": [
		{"layer": 2, "head": 0, "weight": 0.1},
		{"layer": 17, "head": 3, "mode": "dense"},
		{"layer": 17, "head": 4, "mode": "anchor_only"}]}`)) // or Load, from a file
	if err != nil {
		log.Fatal(err)
	}
	const layers, heads = 30, 9
	if err := p.Check(layers, heads); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p)
	for layer := range layers {
		params, err := p.Params(layer, heads) // for attention.Problem
		if err != nil {
			log.Fatal(err)
		}
		for h, own := range params.Heads {
			if own.Mode != 0 {
				fmt.Println("layer", layer, "head", h, "is", own.Mode)
			}
		}
	}
	fmt.Println(p.Check(12, heads)) // of a smaller model
	// Output:
	// profile of SmolLM2-135M-Instruct on preset safe: heads with a way of their own: 3 in 2 layers (anchor 1, dense 1, anchor_only 1)
	// layer 2 head 0 is anchor
	// layer 17 head 3 is dense
	// layer 17 head 4 is anchor_only
	// profile: heads[1]: the model has 12 layers, but layer 17 is named; the profile is of another model ("SmolLM2-135M-Instruct")
}
