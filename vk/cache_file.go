package vk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// A stored pipeline cache is a head and the driver's data:
//
//	8 bytes   "anchorvk"
//	4 bytes   version of this layout, 1
//	4 bytes   version of the driver
//	8 bytes   length of the driver's data
//	32 bytes  SHA-256 of the driver's data
//
// Numbers are little-endian. The driver's data begins with the header that
// Vulkan defines (VkPipelineCacheHeaderVersionOne); drivers trust what follows
// it, so that nothing damaged or foreign may get there.
const (
	cacheMagic   = "anchorvk"
	cacheVersion = 1
	cacheHead    = 8 + 4 + 4 + 8 + sha256.Size
	vulkanHead   = 32
	// maxCacheFile is far above what the kernels of this module take.
	maxCacheFile = 256 << 20
)

// cacheKey is what a stored cache must agree with.
type cacheKey struct {
	vendor, device, driverVersion uint32
	uuid                          [16]byte // pipelineCacheUUID
}

func (k cacheKey) fileName() string {
	return fmt.Sprintf("pipelines-%04x-%04x-%x.bin", k.vendor, k.device, k.uuid)
}

func wrapCache(payload []byte, k cacheKey) []byte {
	blob := make([]byte, 0, cacheHead+len(payload))
	blob = append(blob, cacheMagic...)
	blob = binary.LittleEndian.AppendUint32(blob, cacheVersion)
	blob = binary.LittleEndian.AppendUint32(blob, k.driverVersion)
	blob = binary.LittleEndian.AppendUint64(blob, uint64(len(payload)))
	sum := sha256.Sum256(payload)
	blob = append(blob, sum[:]...)
	return append(blob, payload...)
}

// unwrapCache returns the driver's data, or why it cannot be used.
func unwrapCache(blob []byte, k cacheKey) ([]byte, error) {
	if len(blob) < cacheHead || string(blob[:8]) != cacheMagic {
		return nil, errors.New("it is no pipeline cache of anchorvk")
	}
	version, driver, length := binary.LittleEndian.Uint32(blob[8:]), binary.LittleEndian.Uint32(blob[12:]), binary.LittleEndian.Uint64(blob[16:])
	sum, payload := blob[24:cacheHead], blob[cacheHead:]
	if version != cacheVersion {
		return nil, fmt.Errorf("its layout has version %d, this is for %d", version, cacheVersion)
	}
	if length != uint64(len(payload)) {
		return nil, fmt.Errorf("it is cut off or has something appended: %d bytes instead of %d", len(payload), length)
	}
	if got := sha256.Sum256(payload); !bytes.Equal(got[:], sum) {
		return nil, errors.New("it is damaged: the checksum is wrong")
	}
	if driver != k.driverVersion {
		return nil, errors.New("it is of another version of the driver")
	}
	if len(payload) < vulkanHead {
		return nil, errors.New("it has no Vulkan header")
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(payload[4*i:]) }
	switch {
	case word(0) < vulkanHead || uint64(word(0)) > length || word(1) != 1:
		return nil, errors.New("its Vulkan header is not of version one")
	case word(2) != k.vendor || word(3) != k.device || !bytes.Equal(payload[16:vulkanHead], k.uuid[:]):
		return nil, errors.New("it is of another device or driver")
	}
	return payload, nil
}
