// Package shaders embeds the compiled compute kernels.
//
// The GLSL sources stand beside this file: one short .comp file a kernel, shared parts in include/. The kernels that attend
// (dense, anchor, stripes) are written once for three families, whose parts are include/scalar_*, shared_* and registers_*
// (include/family.glsl); searches on matrices are kernels of their own, *_coop.comp. manifest.json names every
// module, its source and its defines; tools/glslc.sh and this package both read it. The SPIR-V under spv/ is committed, so that
// a build needs no shader compiler; the test run compiles it again and compares.
package shaders

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

//go:embed manifest.json spv/*.spv
var files embed.FS

// Module is one compiled kernel variant of the manifest.
type Module struct {
	Name    string   `json:"name"`    // file name without ".spv"
	Source  string   `json:"source"`  // GLSL file in this directory
	Defines []string `json:"defines"` // preprocessor definitions, NAME or NAME=VALUE
}

// Modules returns the manifest's modules in its order.
func Modules() ([]Module, error) {
	text, err := files.ReadFile("manifest.json")
	if err != nil {
		return nil, fmt.Errorf("shaders: read the embedded manifest: %w", err)
	}
	var manifest struct {
		Modules []Module `json:"modules"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("shaders: parse the embedded manifest: %w", err)
	}
	return manifest.Modules, nil
}

// Code returns the SPIR-V of the named module: little-endian 32-bit words, as Vulkan takes them.
func Code(name string) ([]byte, error) {
	code, err := files.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("shaders: no module named %q in this build", name)
	}
	return code, nil
}

// Digest returns the SHA-256 of the named module's SPIR-V in hex, so that a report can say exactly which kernels ran.
func Digest(name string) (string, error) {
	code, err := Code(name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	return hex.EncodeToString(sum[:]), nil
}
