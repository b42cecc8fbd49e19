package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// verdict is what became of a fault.
type verdict string

const (
	caught       verdict = "caught"
	equivalent   verdict = "equivalent"
	survived     verdict = "SURVIVED"
	notEqual     verdict = "NOT EQUIVALENT" // a test sees what is said to change nothing
	doesNotApply verdict = "DOES NOT APPLY"
	doesNotBuild verdict = "DOES NOT BUILD"
	badTest      verdict = "TEST IS BAD" // it fails without the fault, or runs nothing
)

func (v verdict) good() bool { return v == caught || v == equivalent }

// final is false where another run of the same may end otherwise.
func (v verdict) final() bool { return v.good() || v == survived || v == notEqual }

// runner plants faults and keeps what became of them.
type runner struct {
	tree  *tree
	out   string
	limit time.Duration
	state *state
}

func newRunner(out string, limit time.Duration) (*runner, error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, err
	}
	t, err := newTree()
	if err != nil {
		return nil, err
	}
	s, err := openState(filepath.Join(out, "results.jsonl"))
	if err != nil {
		t.close()
		return nil, err
	}
	return &runner{tree: t, out: out, limit: limit, state: s}, nil
}

func (r *runner) close() {
	r.tree.close()
	r.state.close()
}

func (r *runner) forget(mutants []mutant) {
	for _, m := range mutants {
		r.state.forget(r.key(m.digest))
		r.state.forget(r.key(m.test))
	}
}

// key names a result: of a patch, or of a test without any, on this tree.
func (r *runner) key(of string) string { return r.tree.digest[:16] + " " + of }

func (r *runner) runAll(ctx context.Context, mutants []mutant, suite bool) error {
	var results []result
	for i, m := range mutants {
		known, ok := r.state.get(r.key(m.digest))
		if !ok || !known.Verdict.final() {
			fmt.Fprintf(os.Stderr, "%d/%d %s\n", i+1, len(mutants), m.name)
			start := time.Now()
			v, note, err := r.try(ctx, &m)
			if err != nil {
				return err
			}
			known = result{Name: m.name, Verdict: v, Note: note, Seconds: time.Since(start).Seconds()}
			if err := r.state.put(r.key(m.digest), known); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "    %s in %.0f s %s\n", v, known.Seconds, note)
		}
		results = append(results, known)
	}
	for i := range results {
		if results[i].Verdict != survived || !suite || results[i].Suite != "" {
			continue
		}
		var err error
		if results[i].Suite, err = r.wholeSuite(ctx, &mutants[i]); err != nil {
			return err
		}
		if err = r.state.put(r.key(mutants[i].digest), results[i]); err != nil {
			return err
		}
	}
	return summarise(os.Stdout, mutants, results)
}

// try plants one fault and runs its test, and then the test without the fault.
func (r *runner) try(ctx context.Context, m *mutant) (verdict, string, error) {
	log, err := os.Create(filepath.Join(r.out, m.name+".log"))
	if err != nil {
		return "", "", err
	}
	defer func() { _ = log.Close() }()
	built, err := r.build(ctx, m, log)
	if err != nil || built != "" {
		return built, "see " + log.Name(), errors.Join(err, ctx.Err())
	}
	from, _ := log.Seek(0, 1)
	ended := r.tree.shell(ctx, log, r.limit, m.test)
	if ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	text, err := os.ReadFile(log.Name())
	if err != nil {
		return "", "", err
	}
	saw := firstFailure(string(text[from:]), ended)
	if v, note, err := r.testIsGood(ctx, m); err != nil || v != "" {
		return v, note, err
	}
	switch {
	case ended != nil && m.equivalent != "":
		return notEqual, saw, nil
	case ended != nil:
		return caught, saw, nil
	case m.equivalent != "":
		return equivalent, m.equivalent, nil
	}
	return survived, "see " + log.Name(), nil
}

// build plants the fault in a new copy and builds all that is not a test. The
// verdict is "" when that is well.
func (r *runner) build(ctx context.Context, m *mutant, log *os.File) (verdict, error) {
	if err := r.tree.renew(); err != nil {
		return "", err
	}
	if m != nil {
		files, err := m.apply(os.DirFS(r.tree.folder))
		if err != nil {
			fmt.Fprintln(log, err)
			return doesNotApply, nil
		}
		if err := r.tree.plant(ctx, files, log); err != nil {
			fmt.Fprintln(log, err)
			return doesNotBuild, nil
		}
	}
	if r.tree.shell(ctx, log, 10*time.Minute, "go build ./... && go build -o bin/anchorvk ./cmd/anchorvk") != nil {
		return doesNotBuild, nil //nolint:nilerr // the log says why
	}
	return "", nil
}

var nothingRan = regexp.MustCompile(`no tests to run|\[no test files\]|(?m)^0 passed, 0 failed`)

// testIsGood runs the fault's test on the tree as it is, once for all faults
// with that test; the verdict is "" when it runs something and passes.
func (r *runner) testIsGood(ctx context.Context, m *mutant) (verdict, string, error) {
	if _, ok := r.state.get(r.key(m.test)); ok {
		return "", "", nil
	}
	log, err := os.Create(filepath.Join(r.out, m.name+".without.log"))
	if err != nil {
		return "", "", err
	}
	defer func() { _ = log.Close() }()
	if v, err := r.build(ctx, nil, log); err != nil || v != "" {
		return "", "", errors.Join(err, ctx.Err(), fmt.Errorf("the tree does not build without a fault: see %s", log.Name()))
	}
	ended := r.tree.shell(ctx, log, r.limit, m.test)
	if ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	text, err := os.ReadFile(log.Name())
	switch {
	case err != nil:
		return "", "", err
	case ended != nil:
		return badTest, "it fails without the fault too: see " + log.Name(), nil
	case nothingRan.Match(text):
		return badTest, "it runs nothing: see " + log.Name(), nil
	}
	return "", "", r.state.put(r.key(m.test), result{})
}

// wholeSuite says what of the whole suite sees a fault that its own test does not.
func (r *runner) wholeSuite(ctx context.Context, m *mutant) (string, error) {
	fmt.Fprintf(os.Stderr, "the whole suite on %s\n", m.name)
	log, err := os.Create(filepath.Join(r.out, m.name+".suite.log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = log.Close() }()
	if v, err := r.build(ctx, m, log); err != nil || v != "" {
		return string(v), errors.Join(err, ctx.Err())
	}
	ended := errors.Join(
		// Without the test that patches apply, which fails where one is applied.
		r.tree.shell(ctx, log, time.Hour, "go test -p 1 -timeout 40m $(go list ./... | grep -v /tools/mutants$)"),
		r.tree.shell(ctx, log, time.Hour, "bin/anchorvk verify -q"),
	)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if ended == nil {
		return "nothing in the whole suite sees it", nil
	}
	text, err := os.ReadFile(log.Name())
	return "the suite sees it, by " + firstFailure(string(text), ended), err
}

var failures = regexp.MustCompile(`(?m)^(--- FAIL: \S+|panic: .*|signal: .*|FAIL(ED)? .*|fatal error: .*|.*: .*AddressSanitizer.*|Validation Error: \[ ?[^ \]]+)`)

// firstFailure is what the output of a test that failed says first.
func firstFailure(output string, ended error) string {
	var status *exec.ExitError
	if errors.As(ended, &status) && status.ExitCode() == 124 {
		return "it does not end"
	}
	line := strings.Join(strings.Fields(strings.TrimPrefix(failures.FindString(output), "--- FAIL: ")), " ")
	const most = 100
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return line
}
