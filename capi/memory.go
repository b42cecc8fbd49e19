package main

// #include "bridge.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// getStruct copies a struct of the caller's, whose first field says how large
// it is there. What an older program does not have is zero here; what a newer
// one has beyond ours must be zero. least is the size in version 1.0.
func getStruct[T any](from *T, least uintptr) (T, error) {
	var own T
	if from == nil {
		return own, argument("%s is NULL", structName(own))
	}
	size := uintptr(*(*C.size_t)(unsafe.Pointer(from)))
	if err := checkSize(own, size, least); err != nil {
		return own, err
	}
	if known := unsafe.Sizeof(own); size > known {
		for i, b := range bytesAt(from, size)[known:] {
			if b != 0 {
				return own, &statusError{C.AVK_ERROR_STRUCT_SIZE, fmt.Sprintf(
					"%s sets a field (at byte %d) that this library does not know; install the library that belongs to the program's anchorvk.h",
					structName(own), known+uintptr(i),
				)}
			}
		}
	}
	copy(bytesAt(&own, unsafe.Sizeof(own)), bytesAt(from, size))
	return own, nil
}

// bytesAt views size bytes from a struct on.
func bytesAt[T any](s *T, size uintptr) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(s)), size) }

// putStruct checks a struct that is to be written, before any work; the result
// writes it, as much of it as the caller has, and zeros where the caller has more.
func putStruct[T any](to *T, least uintptr) (write func(T), err error) {
	var own T
	if to == nil {
		return nil, argument("%s is NULL", structName(own))
	}
	size := uintptr(*(*C.size_t)(unsafe.Pointer(to)))
	if err := checkSize(own, size, least); err != nil {
		return nil, err
	}
	return func(value T) {
		*(*C.size_t)(unsafe.Pointer(&value)) = C.size_t(size)
		clear(bytesAt(to, size))
		copy(bytesAt(to, size), bytesAt(&value, unsafe.Sizeof(value)))
	}, nil
}

// maxStruct is more than any struct will ever be: a larger struct_size is rubbish.
const maxStruct = 4096

func checkSize[T any](own T, size, least uintptr) error {
	// A struct ends on a multiple of the alignment of its fields, in every version.
	if size < least || size > maxStruct || size%unsafe.Alignof(own) != 0 {
		return &statusError{C.AVK_ERROR_STRUCT_SIZE, fmt.Sprintf(
			"%s has struct_size %d, where it is %d in this library; set struct_size to sizeof(%[1]s)",
			structName(own), size, unsafe.Sizeof(own),
		)}
	}
	return nil
}

func structName(value any) string {
	switch value.(type) {
	case C.avk_device_options:
		return "avk_device_options"
	case C.avk_adopt_info:
		return "avk_adopt_info"
	case C.avk_borrow_info:
		return "avk_borrow_info"
	case C.avk_memory:
		return "avk_memory"
	case C.avk_plan_info:
		return "avk_plan_info"
	case C.avk_tensor:
		return "avk_tensor"
	case C.avk_tensors:
		return "avk_tensors"
	case C.avk_sync:
		return "avk_sync"
	case C.avk_stats:
		return "avk_stats"
	}
	return fmt.Sprintf("%T", value)
}

// putText writes text with a final zero into the caller's memory.
func putText(text string, to *C.char, size C.size_t, length *C.size_t) error {
	if length != nil {
		*length = C.size_t(len(text))
	}
	switch {
	case to == nil && size != 0:
		return argument("text is NULL and size %d; pass NULL and 0 to ask for the length", size)
	case to == nil && length == nil:
		return argument("text and length are both NULL")
	case to == nil:
		return nil
	case uint64(size) <= uint64(len(text)):
		return &statusError{C.AVK_ERROR_BUFFER_TOO_SMALL, fmt.Sprintf("the text needs %d bytes with its final zero, and size is %d", len(text)+1, size)}
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(to)), len(text)+1)
	copy(b, text)
	b[len(text)] = 0
	return nil
}

// inFormat is an object's description in the format asked for.
func inFormat(format C.int32_t, asText, asJSON func() (string, error)) (string, error) {
	switch format {
	case C.AVK_FORMAT_TEXT:
		return asText()
	case C.AVK_FORMAT_JSON:
		return asJSON()
	}
	return "", argument("format is %d; use AVK_FORMAT_TEXT or AVK_FORMAT_JSON", format)
}

// describe writes an object's description in the format asked for.
func describe(format C.int32_t, asText, asJSON func() (string, error), to *C.char, size C.size_t, length *C.size_t) error {
	text, err := inFormat(format, asText, asJSON)
	if err != nil {
		return err
	}
	return putText(speakDotted(text), to, size, length)
}

// need refuses a NULL result pointer before any work.
func need[T any](name string, to *T) error {
	if to == nil {
		return argument("%s is NULL, and the result goes there", name)
	}
	return nil
}
