// Command apicount counts the names that packages export.
//
//	go run ./tools/apicount ./attention ./vk
//
// A name counts once, whichever files declare it: those of other systems are
// read too, tests are not. Methods and fields count where their type is
// exported. An alias is one name, whatever its type has.
package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: apicount DIRECTORY...")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apicount:", err)
		os.Exit(1)
	}
}

func run(dirs []string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "package\t")
	for k := range kindCount {
		fmt.Fprintf(table, "%s\t", k)
	}
	fmt.Fprintln(table, "sum\t")
	for _, dir := range dirs {
		names, err := exported(dir)
		if err != nil {
			return err
		}
		sum := 0
		fmt.Fprintf(table, "%s\t", dir)
		for _, n := range names.counts() {
			sum += n
			fmt.Fprintf(table, "%d\t", n)
		}
		fmt.Fprintf(table, "%d\t\n", sum)
	}
	return table.Flush()
}
