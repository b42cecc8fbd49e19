package shaders

import (
	"encoding/binary"
	"io/fs"
	"os"
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

func TestUnknownModule(t *testing.T) {
	for _, name := range []string{"", "dense", "../manifest", "dense_uint.spv"} {
		_, err := Code(name)
		require.ErrorContains(t, err, `"`+name+`"`)
		_, err = Digest(name)
		require.Error(t, err)
	}
}
