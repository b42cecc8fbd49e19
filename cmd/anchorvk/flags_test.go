package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseLengths(t *testing.T) {
	for text, want := range map[string][]int{
		"4096":                    {4096},
		"1, 97":                   {1, 97},
		"4096-131072*2":           {4096, 8192, 16384, 32768, 65536, 131072},
		"4096-16384":              {4096, 8192, 16384},
		"1000-5000*3":             {1000, 3000},
		"1024-4096+1024,7":        {1024, 2048, 3072, 4096, 7},
		"5-5*2":                   {5},
		"4k":                      {4096},
		"1k-4K*2,1m":              {1024, 2048, 4096, 1 << 20},
		"2000000000-2147483647*2": {2000000000},
	} {
		got, err := parseLengths("--seq", text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", ",", "x", "-5", "0", "1-", "4-2", "1-4*1", "1-4*0", "1-4+0", "1-4*x", "1-2-3", "1e3", "k", "4kk", "4k8", "2097152k", "-4k", "2147483648", "1-100000+1"} {
		_, err := parseLengths("--seq", text)
		require.Error(t, err, text)
		require.Equal(t, exitUsage, exitCode(err), text)
	}
}
