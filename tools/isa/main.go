// Command isa prints what the compiler of a Vulkan device makes of every
// pipeline that attention can pick there, and compares it with a baseline.
// tools/isa.sh runs it on every stub device; docs/isa.md says how to read it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/anchorvk/anchorvk/internal/isa"
	"github.com/anchorvk/anchorvk/vk"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "isa:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("isa", flag.ContinueOnError)
	only := flags.String("only", "", "look only at pipelines whose name matches the `regexp`, as 'dense, tier coop, head_dim 128'")
	listings := flags.String("listings", "", "write the driver's texts of every pipeline into the `folder`")
	store := flags.String("o", "", "store the table as CSV in the `file`")
	quiet := flags.Bool("q", false, "print only a summary")
	planned := flags.Bool("planned", false, "leave out the subgroup sizes that plans do not take by themselves")
	baseline := flags.String("baseline", "", "compare with the table in the `file`, and print the differences only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	options := isa.Options{Planned: *planned}
	if *only != "" {
		if *baseline != "" || *store != "" {
			return errors.New("-only is for looking: it does not go with -baseline or -o, which take all pipelines")
		}
		pattern, err := regexp.Compile(*only)
		if err != nil {
			return fmt.Errorf("-only: %w", err)
		}
		options.Want = func(k isa.Key) bool { return pattern.MatchString(k.String()) }
	}
	var failed error
	if *listings != "" {
		options.Listing = func(k isa.Key, texts []vk.Listing) { failed = errors.Join(failed, writeListings(*listings, k, texts)) }
	}
	device, err := vk.Open(vk.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = device.Close() }()
	table, err := isa.Measure(device, options)
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if len(table.Rows) == 0 {
		return fmt.Errorf("no pipeline matches %q", *only)
	}
	if *store != "" {
		if err := writeTable(*store, &table); err != nil {
			return err
		}
	}
	if *baseline != "" {
		return compare(out, *baseline, table)
	}
	fmt.Fprintf(out, "%s, %s\n", device.Report().Name, table.Driver)
	if *quiet {
		fmt.Fprintln(out, table.Summary())
		return nil
	}
	return table.Print(out)
}
