package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const head = "area: softmax\nplanted: one\n thing\nwhy: because\ntest: go test ./x\n"

func TestParse(t *testing.T) {
	m, err := parse("m", head+"--- a/f.go\n+++ b/f.go\n@@ -1,2 +1,2 @@ func f\n a\n-b\n+\tc\n@@\n-d\n--- a/g.go\n@@\n+x\n e\n")
	require.NoError(t, err)
	assert.Equal(t, "one thing", m.planted)
	assert.Equal(t, []hunk{
		{"f.go", []string{"a", "b"}, []string{"a", "\tc"}},
		{"f.go", []string{"d"}, nil},
		{"g.go", []string{"e"}, []string{"x", "e"}},
	}, m.hunks)

	for text, want := range map[string]string{
		head:                                   "no line begins with ---",
		head + "--- a/f\n@@\nb\n":              `begins with "b"`,
		head + "--- a/f\n-b\n":                 "needs a @@ before it",
		head + "--- a/f\n@@\n+b\n":             "has no line of the file",
		head + "--- a/f\n@@\n-b\n+b\n":         "changes nothing",
		"area: softmax\n--- a/f\n@@\n-b\n":     "needs planted, why and test",
		head + "area: plan\n--- a/f\n@@\n-b\n": "takes each of",
		head + "tset: x\n--- a/f\n@@\n-b\n":    `"tset: x"`,
		strings.Replace(head, "softmax", "x", 1) + "--- a/f\n@@\n-b\n": `area is "x"`,
	} {
		_, err := parse("m", text)
		require.ErrorContains(t, err, want, "%s", text)
	}
}

func TestApply(t *testing.T) {
	files := fstest.MapFS{"f.go": {Data: []byte("a\nb\nc\nb\nd\n")}}
	apply := func(diff string) (map[string]string, error) {
		m, err := parse("m", head+"--- a/f.go\n"+diff)
		require.NoError(t, err)
		return m.apply(files)
	}
	for diff, want := range map[string]string{
		"@@\n a\n-b\n":                "a\nc\nb\nd\n",
		"@@ -99 +99 @@\n-d\n+e\n+f\n": "a\nb\nc\nb\ne\nf\n",
		"@@\n-a\n@@\n-d\n":            "b\nc\nb\n",
	} {
		changed, err := apply(diff)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"f.go": want}, changed)
	}
	for diff, times := range map[string]string{"@@\n-b\n": "2 times", "@@\n-x\n": "0 times", "@@\n-a\n-c\n": "0 times", "@@\n-A\n": "0 times"} {
		_, err := apply(diff)
		require.ErrorContains(t, err, times, diff)
	}
}

var testNames = regexp.MustCompile(`go test (?:-timeout \S+ )?(?:-exec "[^"]*" )?\./(\S+)(?: -run '\^(\w+)\$)?`)

// Every patch applies to the tree as it is, and names a test that there is: a
// change of the code that a fault lies in changes its patch too.
func TestPatchesApply(t *testing.T) {
	root := filepath.Join("..", "..")
	mutants, err := readAll("patches")
	require.NoError(t, err)
	require.NoError(t, checkAll(mutants, os.DirFS(root)))
	count := map[string]int{}
	for _, m := range mutants {
		count[m.area]++
		if strings.Contains(m.test, "bin/anchorvk verify") {
			continue
		}
		parts := testNames.FindStringSubmatch(m.test)
		require.NotNil(t, parts, "%s: %s", m.name, m.test)
		if parts[2] == "" {
			continue
		}
		sources, err := filepath.Glob(filepath.Join(root, parts[1], "*_test.go"))
		require.NoError(t, err)
		found := false
		for _, source := range sources {
			text, err := os.ReadFile(source)
			require.NoError(t, err)
			found = found || strings.Contains(string(text), "\nfunc "+parts[2]+"(t *testing.T)")
		}
		assert.True(t, found, "%s: there is no test %s in %s", m.name, parts[2], parts[1])
	}
	for area, least := range map[string]int{"barriers": 4, "masks": 4, "softmax": 4, "lifetimes": 4, "errors": 4, "files": 3, "capi": 3, "plan": 3} {
		assert.GreaterOrEqual(t, count[area], least, area)
	}
	assert.GreaterOrEqual(t, len(mutants), 30)
}

func TestStateGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	s, err := openState(path)
	require.NoError(t, err)
	require.NoError(t, s.put("a", result{Name: "a", Verdict: survived}))
	require.NoError(t, s.put("b", result{Name: "b", Verdict: caught}))
	require.NoError(t, s.put("a", result{Name: "a", Verdict: caught}))
	s.close()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"key":"c","verd`) // stopped while it wrote
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for range 2 {
		s, err = openState(path)
		require.NoError(t, err)
		got, ok := s.get("a")
		require.True(t, ok)
		assert.Equal(t, caught, got.Verdict)
		_, ok = s.get("c")
		assert.False(t, ok)
		require.NoError(t, s.put("d", result{Name: "d"}))
		s.close()
	}
}

func TestSummaryFailsOnWhatIsNotSeen(t *testing.T) {
	mutants := []mutant{{name: "one", area: "plan"}, {name: "two", area: "plan"}}
	for v, bad := range map[verdict]bool{caught: false, equivalent: false, survived: true, notEqual: true, doesNotApply: true, doesNotBuild: true, badTest: true} {
		var b strings.Builder
		err := summarise(&b, mutants, []result{{Verdict: caught}, {Verdict: v}})
		assert.Equal(t, bad, err != nil, v)
		assert.Contains(t, b.String(), string(v))
	}
}
