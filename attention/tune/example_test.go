package tune_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/tune"
	"github.com/anchorvk/anchorvk/vk"
)

// Tunes for the user's card, as behind a button in a program's settings, and
// keeps what wins beside the program's other caches.
func ExampleRun() {
	device, err := vk.Open(vk.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		log.Fatal(err)
	}
	result, err := tune.Run(context.Background(), device, tune.Options{
		HeadDim: 128, Heads: 32, KVHeads: 8, // the model's
		Dir:      filepath.Join(cache, "my-program"),
		Budget:   time.Minute,
		Progress: func(share float64) { fmt.Printf("\r%.0f %%", 100*share) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Gain) // as "attend 1.20 times as fast as with table gpu on this device"
	if err := device.Close(); err != nil {
		log.Fatal(err)
	}
}

// Takes what earlier runs have kept, at every start of a program.
func ExampleLoad() {
	device, err := vk.Open(vk.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		log.Fatal(err)
	}
	rules, err := tune.Load(device, filepath.Join(cache, "my-program"))
	if err != nil {
		log.Print(err) // what is of an older driver is left out: ask the user to tune again
	}
	engine, err := attention.NewEngine(device, attention.Options{})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := engine.Plan(attention.Problem{
		Shape:  attention.Shape{Batch: 1, Heads: 32, KVHeads: 8, QLen: 8192, KVLen: 8192, HeadDim: 128},
		Params: attention.DefaultParams(),
	}, attention.PlanOptions{Rules: rules})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan) // says which tuning it takes, and why
	if err := engine.Close(); err != nil {
		log.Fatal(err)
	}
	if err := device.Close(); err != nil {
		log.Fatal(err)
	}
}
