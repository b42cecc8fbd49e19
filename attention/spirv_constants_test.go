package attention

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// More numbers of the SPIR-V specification.
const (
	opConstantTrue         = 41
	opConstantFalse        = 42
	opConstant             = 43
	opSpecConstant         = 50
	opSpecConstantOp       = 52
	opIAdd                 = 128
	opISub                 = 130
	opIMul                 = 132
	opUDiv                 = 134
	opUMod                 = 137
	opLogicalOr            = 166
	opLogicalAnd           = 167
	opLogicalNot           = 168
	opSelect               = 169
	opIEqual               = 170
	opINotEqual            = 171
	opUGreaterThan         = 172
	opUGreaterThanEqual    = 174
	opULessThan            = 176
	opULessThanEqual       = 178
	opFOrdGreaterThanEqual = 190
	opShiftRightLogical    = 194
	opShiftLeftLogical     = 196

	classWorkgroup = 4
)

// operations are those of OpSpecConstantOp on 32-bit numbers and truth values,
// of which 1 is the true one.
var operations = map[uint32]func(x []uint32) uint32{
	opIAdd:       func(x []uint32) uint32 { return x[0] + x[1] },
	opISub:       func(x []uint32) uint32 { return x[0] - x[1] },
	opIMul:       func(x []uint32) uint32 { return x[0] * x[1] },
	opUDiv:       func(x []uint32) uint32 { return x[0] / x[1] },
	opUMod:       func(x []uint32) uint32 { return x[0] % x[1] },
	opLogicalOr:  func(x []uint32) uint32 { return x[0] | x[1] },
	opLogicalAnd: func(x []uint32) uint32 { return x[0] & x[1] },
	opLogicalNot: func(x []uint32) uint32 { return 1 - x[0] },
	opSelect: func(x []uint32) uint32 {
		if x[0] != 0 {
			return x[1]
		}
		return x[2]
	},
	opIEqual:            func(x []uint32) uint32 { return truth(x[0] == x[1]) },
	opINotEqual:         func(x []uint32) uint32 { return truth(x[0] != x[1]) },
	opUGreaterThan:      func(x []uint32) uint32 { return truth(x[0] > x[1]) },
	opUGreaterThanEqual: func(x []uint32) uint32 { return truth(x[0] >= x[1]) },
	opULessThan:         func(x []uint32) uint32 { return truth(x[0] < x[1]) },
	opULessThanEqual:    func(x []uint32) uint32 { return truth(x[0] <= x[1]) },
	opShiftRightLogical: func(x []uint32) uint32 { return x[0] >> x[1] },
	opShiftLeftLogical:  func(x []uint32) uint32 { return x[0] << x[1] },
}

func truth(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// constantsOf evaluates a module's 32-bit constants by id, as a pipeline with
// these specialization constants has them; without any, only those that cannot
// be specialized. What takes other constants, or an operation that no size
// needs, is left out.
func constantsOf(code []instruction, specialized []uint32) map[uint32]uint32 {
	specIDs, values := map[uint32]uint32{}, map[uint32]uint32{}
	for _, i := range code {
		x := i.operands
		switch i.op {
		case opDecorate:
			if x[1] == decorSpecID {
				specIDs[x[0]] = x[2]
			}
		case opConstantTrue, opConstantFalse:
			values[x[1]] = truth(i.op == opConstantTrue)
		case opConstant:
			values[x[1]] = x[2]
		case opSpecConstant:
			if id, ok := specIDs[x[1]]; ok && int(id) < len(specialized) {
				values[x[1]] = specialized[id]
			}
		case opSpecConstantOp:
			var operands []uint32
			for _, id := range x[3:] {
				if value, ok := values[id]; ok {
					operands = append(operands, value)
				}
			}
			if run := operations[x[2]]; run != nil && len(operands) == len(x[3:]) && !((x[2] == opUDiv || x[2] == opUMod) && operands[1] == 0) {
				values[x[1]] = run(operands)
			}
		}
	}
	return values
}

// sharedMemory is the shared memory of a pipeline in bytes.
func sharedMemory(t *testing.T, code []instruction, specialized []uint32) (bytes int) {
	t.Helper()
	values, types := constantsOf(code, specialized), map[uint32]instruction{}
	var size func(id uint32) int
	size = func(id uint32) int {
		x := types[id].operands
		switch types[id].op {
		case opTypeInt, opTypeFloat:
			return int(x[0] / 8)
		case opTypeVector:
			return int(x[1]) * size(x[0])
		case opTypeArray:
			require.Contains(t, values, x[1], "the length of an array")
			return int(values[x[1]]) * size(x[0])
		}
		require.Fail(t, "shared memory of another type", "opcode %d", types[id].op)
		return 0
	}
	for _, i := range code {
		x := i.operands
		switch i.op {
		case opTypeInt, opTypeFloat, opTypeVector, opTypeArray, opTypePointer:
			types[x[0]] = instruction{i.op, x[1:]}
		case opVariable:
			if x[2] == classWorkgroup {
				bytes += size(types[x[0]].operands[1])
			}
		}
	}
	return bytes
}

// roundings are the numbers n by which a module computes (x + n - 1) / n: of
// parts that cover something.
func roundings(code []instruction) map[uint32]bool {
	values := constantsOf(code, nil)
	added := map[uint32]uint32{} // to something, by result
	all := map[uint32]bool{}
	for _, i := range code {
		x := i.operands
		switch i.op {
		case opIAdd:
			for k, other := range []uint32{x[3], x[2]} {
				if n, ok := values[other]; ok {
					added[x[1]] = added[x[2+k]] + n
				}
			}
		case opISub:
			if n, ok := values[x[3]]; ok {
				added[x[1]] = added[x[2]] - n
			}
		case opUDiv:
			if n, ok := values[x[3]]; ok && n > 1 && added[x[2]] == n-1 {
				all[n] = true
			}
		}
	}
	return all
}
