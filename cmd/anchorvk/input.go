package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// inputFlags name the file that `run` and `bench` read.
type inputFlags struct{ path, layout string }

func (f *inputFlags) add(cmd *cobra.Command, what string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.path, "input", "i", "", what)
	flags.StringVar(&f.layout, "layout", "", "`order` of the file's axes: bhsd is [batch, heads, positions, dim], bshd [batch, positions, heads, dim]; bhsd where it is not given and cannot be mistaken")
	values(cmd, "layout", string(tensorfile.BHSD), string(tensorfile.BSHD))
}

// fromArguments takes the file where it is named without -i.
func (f *inputFlags) fromArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Changed("input"):
		return usage("%s reads one file, but -i names %s and there is %q too; leave one of them out", cmd.CommandPath(), f.path, args[0])
	case len(args) > 1:
		return usage("%s reads one file, but there are %q; leave out all but one", cmd.CommandPath(), args)
	}
	f.path = args[0]
	return nil
}

func (f *inputFlags) check() error {
	switch tensorfile.Layout(f.layout) {
	case "", tensorfile.BHSD, tensorfile.BSHD:
		return nil
	}
	return usage("--layout %q is none; choose bhsd ([batch, heads, positions, dim]) or bshd ([batch, positions, heads, dim])", f.layout)
}

// inputFile is an open file of which the sizes are known to be possible.
type inputFile struct {
	*tensorfile.File
	sizes tensorfile.Sizes
	shape attention.Shape
}

// open checks the file's header, and its sizes against what any device can
// take.
func (f *inputFlags) open(ctx context.Context) (*inputFile, error) {
	file, err := tensorfile.OpenContext(ctx, f.path)
	if err != nil {
		return nil, err
	}
	if f.layout != "" {
		file.Layout = tensorfile.Layout(f.layout)
	}
	in := &inputFile{File: file}
	if in.sizes, err = file.Sizes(); err == nil {
		in.shape, err = shapeOf(f.path, in.sizes)
	}
	if err == nil && f.layout == "" && in.shape.AxesMayBeSwapped() {
		err = &tensorfile.FormatError{Path: f.path, Why: fmt.Sprintf(
			"q, k and v are %d heads of %d positions, or %d positions of %d heads, which is as likely, and nothing in the file tells; say which with --layout bhsd (heads first) or --layout bshd (positions first)",
			in.shape.Heads, in.shape.KVLen, in.shape.Heads, in.shape.KVLen)}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return in, nil
}

// sizeOf names the field of a shape in the words of a file's reader.
var sizeOf = map[string]string{
	"Shape.Batch": "batch", "Shape.Heads": "number of query heads", "Shape.KVHeads": "number of KV heads",
	"Shape.QLen": "length of q", "Shape.KVLen": "length of k", "Shape.HeadDim": "head_dim", "Params.Scale": "--scale",
}

// shapeOf checks a file's sizes against what any device can take.
func shapeOf(path string, s tensorfile.Sizes) (attention.Shape, error) {
	shape := attention.Shape{Batch: s.Batch, Heads: s.Heads, KVHeads: s.KVHeads, QLen: s.QLen, KVLen: s.KVLen, HeadDim: s.HeadDim}
	err := shape.Validate()
	var argument *attention.ArgumentError
	if errors.As(err, &argument) {
		// The file is at fault, not the command line.
		err = &tensorfile.FormatError{Path: path, Why: translate(argument, sizeOf)}
	}
	return shape, err
}

// load reads q, k and v as host tensors, and says what is odd about them.
func (in *inputFile) load() (attention.Inputs, []string, error) {
	data, err := in.LoadQKV()
	if err != nil {
		return attention.Inputs{}, nil, err
	}
	s := in.shape
	return attention.Inputs{
		Q: attention.HostBHSD(data.Q, s.Batch, s.Heads, s.QLen, s.HeadDim),
		K: attention.HostBHSD(data.K, s.Batch, s.KVHeads, s.KVLen, s.HeadDim),
		V: attention.HostBHSD(data.V, s.Batch, s.KVHeads, s.KVLen, s.HeadDim),
	}, data.Warnings, nil
}

// extraBytes is the host memory that reading takes beside the tensors: a copy
// of one whose axes are swapped.
func (in *inputFile) extraBytes() float64 {
	if in.Layout != tensorfile.BSHD {
		return 0
	}
	s := in.shape
	return 2 * float64(s.Batch) * float64(s.HeadDim) * max(float64(s.Heads)*float64(s.QLen), float64(s.KVHeads)*float64(s.KVLen))
}
