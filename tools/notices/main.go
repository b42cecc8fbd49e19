// Command notices writes the licences of what is linked into the command and
// the C library on any system that it is built for.
//
//	go run ./tools/notices           # writes THIRD_PARTY_NOTICES.md
//	go run ./tools/notices --check   # fails if it is not up to date
//
// It runs in the module's folder, and downloads modules that are missing.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const file = "THIRD_PARTY_NOTICES.md"

// programs are what is given away with the modules linked in.
var programs = []string{"./cmd/anchorvk", "./capi"}

// headed are files with a licence of their own at their top, by module.
var headed = map[string][]string{"github.com/vulkan-go/vulkan": {"vulkan/vulkan_core.h"}}

// module is one that a program links.
type module struct{ path, version, dir string }

func main() {
	check := flag.Bool("check", false, "compare "+file+" instead of writing it")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	text, err := notices()
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, text, 0o644)
	}
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is not up to date: run go run ./tools/notices and commit it", file)
	}
	return nil
}

func notices() ([]byte, error) {
	modules, err := linked()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Third-party notices\n\nWritten by `go run ./tools/notices`, which `make test` holds it against. These are linked into `anchorvk` and\n" +
		"`libanchorvk` on at least one system; the licence of anchorvk itself is in [LICENSE](LICENSE). The Vulkan loader, the\n" +
		"drivers and the C library are loaded when a program starts, and come with the system.\n")
	for _, m := range modules {
		files, err := licences(m)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n## %s %s\n", m.path, m.version)
		for _, name := range files {
			text, err := licenceText(filepath.Join(m.dir, name))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\n%s:\n\n```\n%s\n```\n", name, text)
		}
		if m.path == "golang.org/x/sys" {
			b.WriteString("\nThe same licence, of the same authors, is that of the Go runtime and standard library, which are linked too.\n")
		}
	}
	return b.Bytes(), nil
}

// linked are the modules of the programs' packages on all systems, by path.
func linked() ([]module, error) {
	found := map[module]bool{}
	for _, system := range []string{"linux", "windows", "darwin", "freebsd"} {
		list := exec.Command("go", append([]string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"}, programs...)...)
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=1")
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 {
				found[module{fields[0], fields[1], fields[2]}] = true
			}
		}
	}
	var all []module
	for m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

// licences are the files of a module that say under what terms it comes.
func licences(m module) ([]string, error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		word, _, _ := strings.Cut(strings.ToUpper(e.Name()), ".")
		if slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, word) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no licence: do not link it", m.path)
	}
	return append(names, headed[m.path]...), nil
}

// licenceText is a file without trailing space; of C, the comment at its top.
func licenceText(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.ReplaceAll(string(text), "\r\n", "\n")
	if strings.HasSuffix(path, ".h") {
		start := strings.Index(s, "** Copyright")
		end := strings.Index(s, "*/")
		if start < 0 || end < start {
			return "", fmt.Errorf("%s does not begin with its licence", path)
		}
		s = s[start:end]
	}
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.TrimRight(line, " \t\n"))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n"), nil
}
