package shaders_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/anchorvk/anchorvk/shaders"
)

// Looks a kernel up in the manifest and reads its SPIR-V.
func Example() {
	modules, err := shaders.Modules()
	if err != nil {
		log.Fatal(err)
	}
	for _, module := range modules {
		if module.Name != "dense_uint" {
			continue
		}
		code, err := shaders.Code(module.Name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s is %s with %v, magic number %#08x\n", module.Name, module.Source, module.Defines, binary.LittleEndian.Uint32(code))
	}
	// Output: dense_uint is dense.comp with [KV_UINT], magic number 0x07230203
}
