//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// little is a repository with two functions, of which one is tested.
var little = map[string]string{
	"go.mod":               "module little\n\ngo 1.24\n",
	"cmd/anchorvk/main.go": "package main\n\nfunc main() {}\n",
	"sum.go":               "package little\n\nfunc Sum(a, b int) int {\n\treturn a + b\n}\n\nfunc Product(a, b int) int {\n\treturn a * b\n}\n",
	"sum_test.go": "package little\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(2, 3) != 5 {\n\t\tt.Fatal(Sum(2, 3))\n\t}\n}\n\n" +
		"func TestBroken(t *testing.T) { t.Fatal(1) }\n",
}

// Every verdict, on a little repository; and a second run plants nothing.
func TestVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a dozen little programs: left to make test")
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	patch := func(name, test, more, diff string) {
		little[filepath.Join(patchFolder, name+".patch")] = "area: plan\nplanted: x\nwhy: y\ntest: go test . " + test + "\n" + more + "--- a/sum.go\n@@\n" + diff
	}
	const difference = "-\treturn a + b\n+\treturn a - b\n"
	patch("a", "-run '^TestSum$'", "", difference)
	patch("b", "-run '^TestSum$'", "", "-\treturn a * b\n+\treturn a / b\n")
	patch("c", "-run '^TestSum$'", "equivalent: addition commutes\n", "-\treturn a + b\n+\treturn b + a\n")
	patch("d", "-run '^TestSum$'", "equivalent: not so\n", difference)
	patch("e", "-run '^TestSum$'", "", "-\treturn a ^ b\n+\treturn a - b\n")
	patch("f", "-run '^TestSum$'", "", "-\treturn a + b\n+\treturn a + c\n")
	patch("g", "-run '^TestBroken$'", "", difference)
	patch("h", "-run '^TestNone$'", "", difference)
	for name, text := range little {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "x"}} {
		out, err := exec.Command("git", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	mutants, err := readAll(patchFolder)
	require.NoError(t, err)
	verdicts := func() map[string]verdict {
		r, err := newRunner("out", time.Minute)
		require.NoError(t, err)
		defer r.close()
		require.ErrorContains(t, r.runAll(t.Context(), mutants, false), "6 faults are not seen")
		all := map[string]verdict{}
		for _, m := range mutants {
			known, ok := r.state.get(r.key(m.digest))
			require.True(t, ok, m.name)
			all[m.name] = known.Verdict
		}
		return all
	}
	want := map[string]verdict{"a": caught, "b": survived, "c": equivalent, "d": notEqual, "e": doesNotApply, "f": doesNotBuild, "g": badTest, "h": badTest}
	assert.Equal(t, want, verdicts())
	before, err := os.Stat("out/a.log")
	require.NoError(t, err)
	assert.Equal(t, want, verdicts())
	after, err := os.Stat("out/a.log")
	require.NoError(t, err)
	assert.Equal(t, before.ModTime(), after.ModTime(), "a fault with a verdict is not planted again")
	_, err = os.Stat("sum.go")
	require.NoError(t, err)
	unchanged, err := os.ReadFile("sum.go")
	require.NoError(t, err)
	assert.Equal(t, little["sum.go"], string(unchanged), "the tree itself is left alone")
}
