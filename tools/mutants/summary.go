package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// summarise prints the table, and returns an error where a fault went unseen.
func summarise(out io.Writer, mutants []mutant, results []result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "area\tfault\tverdict\ts\tseen by")
	count, bad := map[verdict]int{}, 0
	for i, r := range results {
		count[r.Verdict]++
		if !r.Verdict.good() {
			bad++
		}
		note := r.Note
		if r.Suite != "" {
			note = r.Suite
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%s\n", mutants[i].area, mutants[i].name, r.Verdict, r.Seconds, note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d planted: %d caught, %d equivalent, %d not as they should be\n", len(results), count[caught], count[equivalent], bad)
	if bad > 0 {
		return fmt.Errorf("%d faults are not seen, or could not be planted", bad)
	}
	return nil
}
