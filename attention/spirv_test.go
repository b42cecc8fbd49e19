package attention

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/shaders"
)

// Numbers of the SPIR-V specification (unified1), as far as the tests read it.
const (
	opEntryPoint       = 15
	opExecutionModeID  = 331
	opCapability       = 17
	opTypeBool         = 20
	opTypeInt          = 21
	opTypeFloat        = 22
	opTypeVector       = 23
	opTypeArray        = 28
	opTypeRuntimeArray = 29
	opTypeStruct       = 30
	opTypePointer      = 32
	opVariable         = 59
	opLoopMerge        = 246
	opDecorate         = 71
	opMemberDecorate   = 72

	decorSpecID        = 1
	decorBuiltIn       = 11
	decorNonWritable   = 24
	decorNonReadable   = 25
	decorBinding       = 33
	decorDescriptorSet = 34
	decorOffset        = 35

	classPushConstant  = 9
	classStorageBuffer = 12

	loopUnroll = 1 // of the control mask of a loop

	builtInWorkgroupSize = 25
	modeLocalSizeID      = 38
)

// spirv is what the tests need to know of a module.
type spirv struct {
	entry        string
	capabilities map[uint32]bool
	specIDs      []uint32 // ascending
	buffers      map[uint32]storageBuffer
	push         []pushMember
	loops        int  // that are not marked as to be unrolled
	sized        bool // the workgroup size is made of constants, so that it can be specialized
}

// onMatrices says whether a kernel uses cooperative matrices.
func (m spirv) onMatrices() bool { return m.capabilities[capCooperativeMatrix] }

// storageBuffer is a binding; set is its descriptor set.
type storageBuffer struct {
	set                 uint32
	readOnly, writeOnly bool
}

// pushMember is one 32-bit number of the push constants.
type pushMember struct {
	offset uint32
	float  bool
}

// instruction is one of a module; as the declaration of a type it lacks the
// type's id.
type instruction struct {
	op       uint32
	operands []uint32
}

// instructions reads a module, word by word.
func instructions(t *testing.T, code []byte) (all []instruction) {
	t.Helper()
	require.Zero(t, len(code)%4)
	words := make([]uint32, len(code)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	require.Greater(t, len(words), 5)
	require.Equal(t, uint32(0x07230203), words[0], "the magic number")
	for at := 5; at < len(words); {
		n, op := int(words[at]>>16), words[at]&0xffff
		require.True(t, n > 0 && at+n <= len(words), "an instruction of %d words at word %d", n, at)
		all = append(all, instruction{op, words[at+1 : at+n]})
		at += n
	}
	return all
}

// parseSPIRV reads what the tests need to know of a module.
func parseSPIRV(t *testing.T, code []byte) spirv {
	t.Helper()
	type key struct{ id, member, decoration uint32 }
	const whole = ^uint32(0) // in place of a member
	decorations := map[key]uint32{}
	types := map[uint32]instruction{}
	type variable struct{ id, kind, class uint32 }
	var variables []variable
	m := spirv{capabilities: map[uint32]bool{}, buffers: map[uint32]storageBuffer{}}
	for _, i := range instructions(t, code) {
		x := i.operands
		switch i.op {
		case opCapability:
			m.capabilities[x[0]] = true
		case opEntryPoint:
			require.Empty(t, m.entry, "one entry point")
			m.entry = text(x[2:])
		case opExecutionModeID:
			m.sized = m.sized || x[1] == modeLocalSizeID
		case opDecorate:
			value := uint32(0)
			if len(x) > 2 {
				value = x[2]
			}
			decorations[key{x[0], whole, x[1]}] = value
			switch {
			case x[1] == decorSpecID:
				m.specIDs = append(m.specIDs, value)
			case x[1] == decorBuiltIn && value == builtInWorkgroupSize:
				m.sized = true
			}
		case opMemberDecorate:
			value := uint32(0)
			if len(x) > 3 {
				value = x[3]
			}
			decorations[key{x[0], x[1], x[2]}] = value
		case opTypeBool, opTypeInt, opTypeFloat, opTypeVector, opTypeArray, opTypeRuntimeArray, opTypeStruct, opTypePointer:
			types[x[0]] = instruction{i.op, x[1:]}
		case opLoopMerge:
			if x[2]&loopUnroll == 0 {
				m.loops++
			}
		case opVariable:
			variables = append(variables, variable{x[1], x[0], x[2]})
		}
	}
	slices.Sort(m.specIDs)
	for _, v := range variables {
		block := types[v.kind].operands[1] // what the pointer points at
		switch v.class {
		case classPushConstant:
			require.Empty(t, m.push, "one block of push constants")
			for i, member := range types[block].operands {
				offset := decorations[key{block, uint32(i), decorOffset}]
				m.push = append(m.push, scalars(t, types, member, offset)...)
			}
		case classStorageBuffer:
			all := func(decoration uint32) bool { // on the variable, or on each member
				if _, ok := decorations[key{v.id, whole, decoration}]; ok {
					return true
				}
				for i := range types[block].operands {
					if _, ok := decorations[key{block, uint32(i), decoration}]; !ok {
						return false
					}
				}
				return true
			}
			binding, ok := decorations[key{v.id, whole, decorBinding}]
			require.True(t, ok, "a storage buffer has a binding")
			require.NotContains(t, m.buffers, binding, "two buffers at one binding")
			m.buffers[binding] = storageBuffer{decorations[key{v.id, whole, decorDescriptorSet}], all(decorNonWritable), all(decorNonReadable)}
		}
	}
	return m
}

// scalars splits a member of the push constants into 32-bit numbers.
func scalars(t *testing.T, types map[uint32]instruction, id, offset uint32) []pushMember {
	t.Helper()
	switch kind := types[id]; kind.op {
	case opTypeInt, opTypeFloat:
		require.Equal(t, uint32(32), kind.operands[0], "bits of a push constant")
		return []pushMember{{offset, kind.op == opTypeFloat}}
	case opTypeVector:
		var all []pushMember
		for i := range kind.operands[1] {
			all = append(all, scalars(t, types, kind.operands[0], offset+4*i)...)
		}
		return all
	default:
		require.Fail(t, "a push constant is neither a number nor a vector", "opcode %d", kind.op)
		return nil
	}
}

// text reads a string literal.
func text(words []uint32) string {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return string(b[:slices.Index(b, 0)])
}

// eachModule runs a test for every module of the manifest.
func eachModule(t *testing.T, run func(t *testing.T, module shaders.Module, code spirv)) {
	t.Helper()
	modules, err := shaders.Modules()
	require.NoError(t, err)
	require.NotEmpty(t, modules)
	for _, module := range modules {
		t.Run(module.Name, func(t *testing.T) {
			code, err := shaders.Code(module.Name)
			require.NoError(t, err)
			run(t, module, parseSPIRV(t, code))
		})
	}
}

func sortedKeys[V any](m map[uint32]V) []uint32 { return slices.Sorted(maps.Keys(m)) }
