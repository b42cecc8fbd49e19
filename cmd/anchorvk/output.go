package main

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/atomicfile"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// outputsFor makes room for what a mode computes. Log-sum-exps and stripes
// cost memory, so they are only asked for where something reads them.
func (f *runFlags) outputsFor(mode attention.Mode, s attention.Shape) attention.Outputs {
	out := attention.Outputs{
		O: attention.HostBHSD(make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim), s.Batch, s.Heads, s.QLen, s.HeadDim),
	}
	if f.needsLSE() {
		out.LSE = make([]float32, s.Batch*s.Heads*s.QLen)
	}
	if f.needsStripes(mode) {
		out.Stripes = make([]byte, s.Batch*s.Heads*f.params.p.Groups(s.KVLen)*s.KVLen)
	}
	return out
}

func (f *runFlags) needsLSE() bool { return f.lse || f.verify }

func (f *runFlags) needsStripes(mode attention.Mode) bool {
	return mode == attention.ModeAnchor && (f.stripes || f.verify || f.picture != "")
}

// keepCandidates marks every candidate of the groups that have rows in the
// call, in heads that ran dense: what these attend, in the terms of mode anchor.
// After a fallback that is every head.
func keepCandidates(stripes []byte, s attention.Shape, p attention.Params, fallback bool) {
	all := p.Groups(s.KVLen)
	for head := range s.Batch * s.Heads {
		if !fallback && !p.Head(head%s.Heads).IsDense() {
			continue
		}
		for g := s.Prefix() / p.Group(); g < all; g++ {
			row := stripes[(head*all+g)*s.KVLen:][:s.KVLen]
			for j := p.Sink(); j < g*p.Group()-p.Window(); j++ {
				row[j] = 1
			}
		}
	}
}

// write fills the output files and gives them their names.
func (o *outputFiles) write(f *runFlags, file *inputFile, results []result) error {
	if o.tensors != nil {
		w, err := f.tensors(file, results)
		if err != nil {
			return err
		}
		if err := w.WriteFile(o.tensors); err != nil {
			return err
		}
	}
	if o.picture != nil {
		for _, r := range results {
			if r.mode != attention.ModeAnchor {
				continue
			}
			picture, err := f.draw(file.shape, r)
			if err != nil {
				return err
			}
			if _, err := o.picture.Write(picture); err != nil {
				return err
			}
		}
	}
	// Both are complete before either appears.
	for _, file := range []*atomicfile.File{o.tensors, o.picture} {
		if file == nil {
			continue
		}
		if err := file.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// tensors collects what -o writes, in the layout of the input.
func (f *runFlags) tensors(file *inputFile, results []result) (*tensorfile.Writer, error) {
	s := file.shape
	bshd := file.Layout == tensorfile.BSHD
	w := tensorfile.NewWriter(map[string]string{"made_by": "anchorvk run"})
	withBatch := func(dims ...int) []int {
		if file.sizes.Batched {
			return append([]int{s.Batch}, dims...)
		}
		return dims
	}
	for _, r := range results {
		suffix := ""
		if len(results) > 1 {
			suffix = "." + r.mode.String()
		}
		first, second, data, lse := s.Heads, s.QLen, r.out.O.Host, r.out.LSE
		if bshd {
			first, second = s.QLen, s.Heads
			data = tensorfile.SwapAxes(data, s.Batch, s.Heads, s.QLen, s.HeadDim)
			if f.lse {
				lse = tensorfile.SwapAxes(lse, s.Batch, s.Heads, s.QLen, 1)
			}
		}
		dims := withBatch(first, second, s.HeadDim)
		var err error
		if f.outDType == "f32" {
			wide := make([]float32, len(data))
			for i, x := range data {
				wide[i] = x.Float32()
			}
			err = w.AddF32("out"+suffix, dims, wide)
		} else {
			err = w.AddF16("out"+suffix, dims, data)
		}
		if err == nil && f.lse {
			err = w.AddF32("lse"+suffix, withBatch(first, second), lse)
		}
		if err == nil && f.stripes && r.out.Stripes != nil {
			err = w.AddU8("stripes"+suffix, withBatch(s.Heads, f.params.p.Groups(s.KVLen), s.KVLen), r.out.Stripes)
		}
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// draw renders the picture in the format that its name asks for.
func (f *runFlags) draw(shape attention.Shape, r result) ([]byte, error) {
	var b bytes.Buffer
	p := newPicture(shape, f.params.p, r.out.Stripes)
	var err error
	if strings.EqualFold(filepath.Ext(f.picture), ".svg") {
		err = p.svg(&b)
	} else {
		err = p.png(&b)
	}
	return b.Bytes(), err
}

// outputFiles are the files that `run` writes.
type outputFiles struct{ tensors, picture *atomicfile.File }

func openOutputs(f *runFlags) (*outputFiles, error) {
	o := &outputFiles{}
	if f.explain {
		return o, nil
	}
	var err error
	if f.out != "" {
		if o.tensors, err = atomicfile.Create(f.out); err != nil {
			return nil, err
		}
	}
	if f.picture != "" {
		if o.picture, err = atomicfile.Create(f.picture); err != nil {
			o.abort()
			return nil, err
		}
	}
	return o, nil
}

func (o *outputFiles) abort() {
	if o.tensors != nil {
		o.tensors.Abort()
	}
	if o.picture != nil {
		o.picture.Abort()
	}
}
