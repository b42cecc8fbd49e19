package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
)

// check raises every argument error before a file or a device is touched.
func (f *runFlags) check(changed func(flag string) bool) error {
	var err error
	if f.modes, err = parseModes("--mode", f.modeNames); err != nil {
		return err
	}
	if err := f.params.one("run"); err != nil {
		return err
	}
	if err := f.input.check(); err != nil {
		return err
	}
	if err := f.manners.check(); err != nil {
		return err
	}
	anchor := false
	for _, m := range f.modes {
		anchor = anchor || m == attention.ModeAnchor
	}
	switch {
	case f.out == "" && changed("out"), f.picture == "" && changed("picture"):
		return usage("-o and --picture need the name of a file, but one is empty")
	case f.input.path == "":
		return usage("no input; name a safetensors file, as in `anchorvk run qkv.safetensors`")
	case f.outDType != "f16" && f.outDType != "f32":
		return usage("--out-dtype %s is not supported; choose f16 or f32", f.outDType)
	case f.lse && f.out == "":
		return usage("--lse has nowhere to go; name a file with -o")
	case f.stripes && f.out == "":
		return usage("--dump-stripes has nowhere to go; name a file with -o")
	case (f.stripes || f.picture != "") && !anchor:
		return usage("--dump-stripes and --picture show the stripes of mode anchor; add it to --mode")
	case f.verifyRows < 1:
		return usage("--verify-rows %d compares nothing; use 1 or more", f.verifyRows)
	case sameFile(f.out, f.input.path) || sameFile(f.picture, f.input.path):
		return usage("the output would overwrite the input %s; name another file", f.input.path)
	case f.out != "" && sameFile(f.out, f.picture):
		return usage("-o and --picture name the same file")
	}
	if f.picture != "" {
		if ext := strings.ToLower(filepath.Ext(f.picture)); ext != ".png" && ext != ".svg" {
			return usage("--picture %s: name a file that ends in .png or .svg", f.picture)
		}
	}
	return nil
}

// sameFile says whether two names lead to one file.
func sameFile(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
