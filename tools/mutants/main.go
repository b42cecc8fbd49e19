// Command mutants asks whether the tests see faults: it plants one fault after
// the other in a copy of the tree and runs the test that should see it.
// docs/mutants.md says how to read and how to add one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const usage = `mutants plants faults in a copy of the last commit, one at a time, and runs the test that should see each.

  go run ./tools/mutants [FLAGS] [NAME...]   # NAME of tools/mutants/patches, or a pattern; none: all

`

func main() { os.Exit(status()) }

// status runs the command and returns what it exits with.
func status() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "mutants: interrupted; the next run goes on here")
		return 130
	}
	fmt.Fprintln(os.Stderr, "mutants:", err)
	return 1
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	list := flags.Bool("list", false, "list the faults and their tests, and plant none")
	check := flags.Bool("check", false, "only check that every patch applies to the files as they are here")
	again := flags.Bool("again", false, "forget the results of earlier runs of these faults")
	suite := flags.Bool("suite", true, "run the whole suite once on each fault that its test does not see")
	out := flags.String("o", "out/mutants", "keep results and logs in the `folder`")
	limit := flags.Duration("limit", 10*time.Minute, "how long a test may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	mutants, err := readAll(patchFolder)
	if err != nil {
		return fmt.Errorf("%w (run it at the root of the repository)", err)
	}
	if mutants, err = choose(mutants, flags.Args()); err != nil {
		return err
	}
	switch {
	case *list:
		for _, m := range mutants {
			fmt.Printf("%-10s %-38s %s\n%49s %s\n", m.area, m.name, m.planted, "", m.test)
		}
		return nil
	case *check:
		return checkAll(mutants, os.DirFS("."))
	}
	r, err := newRunner(*out, *limit)
	if err != nil {
		return err
	}
	defer r.close()
	if *again {
		r.forget(mutants)
	}
	return r.runAll(ctx, mutants, *suite)
}

// choose keeps the mutants that one of the patterns names.
func choose(all []mutant, patterns []string) ([]mutant, error) {
	if len(patterns) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, pattern := range patterns {
		found := false
		for _, m := range all {
			ok, err := filepath.Match(pattern, m.name)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", pattern, err)
			}
			if ok {
				wanted[m.name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no fault is called %q: -list lists them", pattern)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !wanted[m.name] }), nil
}
