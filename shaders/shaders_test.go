package shaders

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The manifest, the embedded SPIR-V and the sources name the same things.
func TestManifestAndFilesAgree(t *testing.T) {
	modules, err := Modules()
	require.NoError(t, err)
	var named []string
	for _, module := range modules {
		assert.False(t, slices.Contains(named, module.Name), "two modules are called %s", module.Name)
		named = append(named, module.Name)
		_, err := os.Stat(module.Source)
		require.NoError(t, err, "the source of %s", module.Name)
	}
	entries, err := fs.ReadDir(files, "spv")
	require.NoError(t, err)
	var embedded []string
	for _, entry := range entries {
		embedded = append(embedded, strings.TrimSuffix(entry.Name(), ".spv"))
	}
	assert.ElementsMatch(t, named, embedded, "run tools/glslc.sh")

	sources, err := fs.Glob(os.DirFS("."), "*.comp")
	require.NoError(t, err)
	for _, source := range sources {
		assert.True(t, slices.ContainsFunc(modules, func(m Module) bool { return m.Source == source }), "no module is made of %s", source)
	}
}

func TestCodeIsSPIRV(t *testing.T) {
	modules, err := Modules()
	require.NoError(t, err)
	digests := map[string]string{}
	for _, module := range modules {
		code, err := Code(module.Name)
		require.NoError(t, err)
		require.Greater(t, len(code), 20, module.Name)
		assert.Zero(t, len(code)%4, module.Name)
		assert.Equal(t, uint32(0x07230203), binary.LittleEndian.Uint32(code), "the magic number of %s", module.Name)
		digest, err := Digest(module.Name)
		require.NoError(t, err)
		assert.Regexp(t, "^[0-9a-f]{64}$", digest)
		assert.Empty(t, digests[digest], "%s is the same code as %s", module.Name, digests[digest])
		digests[digest] = module.Name
	}
}

// Shared memory passes values between invocations only across a barrier of the
// workgroup. CPU devices run a workgroup's subgroups one after the other, so
// that a kernel which lacks one gives the right result there.
func TestSharedMemoryHasABarrier(t *testing.T) {
	const (
		opConstant, opVariable, opControlBarrier = 43, 59, 224
		storageWorkgroup, scopeWorkgroup         = 4, 2
	)
	modules, err := Modules()
	require.NoError(t, err)
	sharing := 0
	for _, module := range modules {
		code, err := Code(module.Name)
		require.NoError(t, err)
		constants, shared, barriers := map[uint32]uint32{}, 0, 0
		for at := 20; at < len(code); {
			word := func(i int) uint32 { return binary.LittleEndian.Uint32(code[at+4*i:]) }
			switch word(0) & 0xffff {
			case opConstant:
				constants[word(2)] = word(3)
			case opVariable:
				if word(3) == storageWorkgroup {
					shared++
				}
			case opControlBarrier:
				if constants[word(1)] == scopeWorkgroup {
					barriers++
				}
			}
			at += 4 * int(word(0)>>16)
		}
		if shared > 0 {
			sharing++
			assert.Positive(t, barriers, "%s has %d variables in shared memory, and no barrier of the workgroup", module.Name, shared)
		}
	}
	assert.Positive(t, sharing)
}

func TestUnknownModule(t *testing.T) {
	for _, name := range []string{"", "dense", "../manifest", "dense_uint.spv"} {
		_, err := Code(name)
		require.ErrorContains(t, err, `"`+name+`"`)
		_, err = Digest(name)
		require.Error(t, err)
	}
}

// Every include is there, and every file in include/ is a part of some kernel.
func TestIncludesAreThereAndUsed(t *testing.T) {
	var included []string
	sources, err := fs.Glob(os.DirFS("."), "*.comp")
	require.NoError(t, err)
	for len(sources) > 0 {
		text, err := os.ReadFile(sources[0])
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`(?m)^#include "(.+)"`).FindAllStringSubmatch(string(text), -1) {
			file := path.Join(path.Dir(sources[0]), match[1])
			if !slices.Contains(included, file) {
				included, sources = append(included, file), append(sources, file)
			}
		}
		sources = sources[1:]
	}
	there, err := fs.Glob(os.DirFS("."), "include/*")
	require.NoError(t, err)
	assert.ElementsMatch(t, there, included)
}
