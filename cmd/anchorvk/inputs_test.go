package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// tensor is one tensor of a test's input file.
type tensor struct {
	name  string
	shape []int
	data  []float16.Float16 // nil: small numbers that differ
}

func fileBytes(t testing.TB, tensors ...tensor) []byte {
	t.Helper()
	w := tensorfile.NewWriter(nil)
	for _, x := range tensors {
		n := 1
		for _, d := range x.shape {
			n *= d
		}
		data := x.data
		if data == nil {
			data = make([]float16.Float16, n)
			for i := range data {
				data[i] = float16.Fromfloat32(float32(i*37%64)/32 - 1)
			}
		}
		require.NoError(t, w.AddF16(x.name, x.shape, data))
	}
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	return b.Bytes()
}

// qkv is a small valid input: 4 query heads, 2 KV heads, a KV prefix.
func qkv(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "qkv.safetensors")
	require.NoError(t, os.WriteFile(path, fileBytes(t,
		tensor{name: "q", shape: []int{4, 100, 16}},
		tensor{name: "k", shape: []int{2, 150, 16}},
		tensor{name: "v", shape: []int{2, 150, 16}}), 0o600))
	return path
}

// small groups, so that a short input has candidates.
var small = []string{"--preset", "paper", "--block", "16", "--step", "2"}

func listing(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
