package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// digest is of all bits of an output, so that two runs, two devices or two
// versions of the kernels can be compared without keeping either: the first half
// of SHA-256 over O, the log-sum-exps and the stripes.
func (out Output) digest() string {
	h := sha256.New()
	var word []byte
	for _, x := range out.O.Host {
		word = binary.LittleEndian.AppendUint16(word[:0], x.Bits())
		_, _ = h.Write(word) // never fails
	}
	for _, x := range out.LSE {
		word = binary.LittleEndian.AppendUint32(word[:0], math.Float32bits(x))
		_, _ = h.Write(word)
	}
	_, _ = h.Write(out.Stripes)
	return hex.EncodeToString(h.Sum(nil)[:sha256.Size/2])
}
