package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/anchorvk/anchorvk/internal/atomicfile"
	"github.com/anchorvk/anchorvk/internal/isa"
	"github.com/anchorvk/anchorvk/vk"
)

// compare prints the differences from the baseline in the file and fails when
// one is bad.
func compare(out io.Writer, file string, now isa.Table) error {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("no baseline %s: make isa-update stores one", file)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	baseline, err := isa.Read(f)
	if err != nil {
		return fmt.Errorf("%s: %w: make isa-update stores a new one", file, err)
	}
	if baseline.Driver != now.Driver {
		fmt.Fprintf(out, "note: this is %s and the baseline is of %s: costs are compared and do not fail\n", now.Driver, baseline.Driver)
	}
	bad := 0
	for _, d := range isa.Compare(baseline, now) {
		word := "note"
		if d.Bad {
			bad++
			word = "WORSE"
		}
		fmt.Fprintf(out, "%s: %s\n", word, d)
	}
	if bad > 0 {
		return fmt.Errorf("%d differences from %s: mend them, or store the new state with make isa-update, read the diff and commit it with its reason", bad, file)
	}
	return nil
}

func writeTable(file string, t *isa.Table) error {
	f, err := atomicfile.Create(file)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := t.Write(f); err != nil {
		return err
	}
	return f.Commit()
}

// writeListings stores the driver's texts of a pipeline.
func writeListings(folder string, k isa.Key, texts []vk.Listing) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, l := range texts {
		name := fmt.Sprintf("%s-%s-%d-%s.%s.txt", k.Kernel, k.Tier, k.HeadDim, k.Size, strings.Map(plain, l.Name))
		if err := os.WriteFile(filepath.Join(folder, name), []byte(l.Text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func plain(r rune) rune {
	if strings.ContainsRune(`/\ ()`, r) {
		return '_'
	}
	return r
}
