package tensorfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sniffed is how much of a file is looked at to tell its format.
const sniffed = 4096

// saveAs is how numpy arrays become what is read here.
const saveAs = `safetensors.numpy.save_file({"q": q, "k": k, "v": v}, "qkv.safetensors")`

// foreign says what a file that is no safetensors file is, from its first
// bytes, and what to do with it; "" where that cannot be told.
func foreign(start []byte) string {
	has := func(magic string) bool { return bytes.HasPrefix(start, []byte(magic)) }
	switch {
	case has("GGUF"), has("lmgg"), has("tjgg"), has("fmgg"):
		return "is a GGUF or GGML file, which holds the weights of a model; this needs q, k and v of an attention layer, taken while the model runs and saved as safetensors"
	case has("PK\x03\x04"):
		return zipKind(start)
	case has("\x93NUMPY"):
		return "is a .npy file, one array of numpy; save all three in Python with " + saveAs
	case len(start) > 2 && start[0] == 0x80 && start[1] >= 2 && start[1] <= 5 && binary.LittleEndian.Uint64(append(bytes.Clone(start), make([]byte, 8)...)) > maxHeader:
		return "is a Python pickle, as older versions of torch.save write; load it in Python and save q, k and v with safetensors.torch.save_file"
	case has("\x89HDF"):
		return "is an HDF5 file; read it in Python and save q, k and v with " + saveAs
	case has("\x1f\x8b"), has("\x28\xb5\x2f\xfd"), has("\xfd7zXZ"), has("BZh"):
		return "is compressed; unpack it first"
	case has("version https://git-lfs"):
		return "is a pointer of Git LFS, not the file itself; fetch that with `git lfs pull`"
	case bytes.Contains(start, []byte(`"weight_map"`)) && bytes.HasPrefix(bytes.TrimSpace(start), []byte("{")):
		return "is the index of a model in several files; it names them under weight_map, and holds no tensors: give the file that has q, k and v"
	case bytes.HasPrefix(bytes.TrimSpace(start), []byte("{\"")) || bytes.HasPrefix(start, []byte("{\n")):
		return "is JSON text, not a safetensors file; give the file that has the tensors q, k and v"
	}
	return ""
}

// zipKind tells zip files apart by the name of their first member.
func zipKind(start []byte) string {
	name := ""
	if len(start) >= 30 {
		n := int(binary.LittleEndian.Uint16(start[26:]))
		name = string(start[30:min(30+n, len(start))])
	}
	switch {
	case strings.HasSuffix(name, ".npy"):
		return "is an .npz file of numpy; load it in Python and save the arrays with " + saveAs
	case strings.HasSuffix(name, "data.pkl"), strings.Contains(name, "/.format_version"), strings.HasSuffix(name, "/byteorder"):
		return "is a file of torch.save; load it in Python with torch.load and save q, k and v with safetensors.torch.save_file"
	}
	return "is a zip archive; unpack it and give the safetensors file in it"
}

// folder says what to do with a folder.
func folder(path string) string {
	const most = 3
	found, _ := filepath.Glob(filepath.Join(globEscape(path), "*.safetensors"))
	switch {
	case len(found) == 0:
		return "is a folder; give a safetensors file that has the tensors q, k and v"
	case len(found) > most:
		return fmt.Sprintf("is a folder; give one of its files, such as %s", strings.Join(found[:most], ", "))
	}
	return "is a folder; give a file in it: " + strings.Join(found, ", ")
}

// globEscape keeps a path from being taken for a pattern.
func globEscape(path string) string {
	if os.PathSeparator == '\\' {
		return path // no escapes there
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
