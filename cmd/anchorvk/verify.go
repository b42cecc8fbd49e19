package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/verify"
	"github.com/anchorvk/anchorvk/vk"
)

// Verdicts of a case.
const (
	verdictOK          = "OK"
	verdictFail        = "FAIL"
	verdictUnsupported = "not supported"
)

// caseRecord is the verdict on one case and tier.
type caseRecord struct {
	Verdict       string         `json:"verdict"`
	Tier          attention.Tier `json:"tier"`
	Case          string         `json:"case"` // empty: the whole tier
	Why           string         `json:"why"`
	NMSE          report.Float   `json:"nmse"`
	MaxError      report.Float   `json:"max_error"`
	HalfMaxError  report.Float   `json:"half_max_error"`
	LSEError      report.Float   `json:"lse_error"`
	StripesDiffer int            `json:"stripes_differ"`
	StripesWrong  int            `json:"stripes_wrong"`
	Seconds       report.Float   `json:"seconds"`
	Digest        string         `json:"digest"` // of all bits of the output; empty where nothing was computed
}

func (a *app) verifyCommand() *cobra.Command {
	var pattern string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check every kernel and tier of the device against the oracle",
		Long: fmt.Sprintf(`Run every tier that the device offers on awkward shapes and compare the results
with the float64 oracle: an error of at most %d times a plain fp16
implementation's, a normalised mean square error of at most %g, and the same
stripes wherever the oracle's margin is at least %g. Outputs and scratch are
filled with NaN before each case. Exit code 4 when a case fails.`, verify.HalfFactor, verify.MaxNMSE, verify.MinMargin),
		Example: `  anchorvk verify
  anchorvk verify -p 'gqa|prefix'
  ANCHORVK_DISABLE=float16 anchorvk verify -p dense`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			match, err := regexp.Compile(pattern)
			if err != nil {
				return usage("-p %q is no regular expression: %v", pattern, err)
			}
			if !a.matchesAny(match) { // whatever the device is
				return usage("-p %q matches no case; `anchorvk verify` without -p lists them all", match)
			}
			return a.verifyDevice(cmd.Context(), match)
		},
	}
	cmd.Flags().StringVarP(&pattern, "pattern", "p", "", "run the cases whose \"TIER TOPIC/MODE ...\" matches the regular `expression`")
	return cmd
}

// matchesAny says whether a pattern matches a case on any tier.
func (a *app) matchesAny(match *regexp.Regexp) bool {
	cases := verify.Cases()
	return slices.ContainsFunc(a.tiers(&vk.Report{}), func(t tierRecord) bool {
		return match.MatchString(string(t.Name)) || slices.ContainsFunc(cases, func(c verify.Case) bool {
			return c.Takes(t.Name) && match.MatchString(string(t.Name)+" "+c.Name)
		})
	})
}

// verifyDevice runs the matching cases on every tier of the device.
func (a *app) verifyDevice(ctx context.Context, match *regexp.Regexp) error {
	s, options, err := a.openDevice(attention.Options{PoisonScratch: true}, manners{})
	if err != nil {
		return err
	}
	defer a.closeSession(s)
	r := s.report()
	a.log.Info("verify", "device", r.Name)

	cases := verify.Cases()
	v := verification{app: a, session: s, options: options}
	for _, tier := range a.tiers(r) {
		if !tier.OK {
			if match.MatchString(string(tier.Name)) {
				if err := v.add(caseRecord{Verdict: verdictUnsupported, Tier: tier.Name, Why: tier.Why}); err != nil {
					return err
				}
			}
			continue
		}
		for _, c := range cases {
			if !c.Takes(tier.Name) || !match.MatchString(string(tier.Name)+" "+c.Name) {
				continue
			}
			if err := v.check(ctx, tier.Name, c); err != nil {
				return err
			}
		}
	}
	if len(v.records) == 0 { // the pattern asks for cases of tiers that the device does not pass
		for _, tier := range a.tiers(r) {
			if tier.OK || !slices.ContainsFunc(cases, func(c verify.Case) bool { return match.MatchString(string(tier.Name) + " " + c.Name) }) {
				continue
			}
			if err := v.add(caseRecord{Verdict: verdictUnsupported, Tier: tier.Name, Why: tier.Why}); err != nil {
				return err
			}
		}
	}
	return v.finish()
}

// verification gathers verdicts.
type verification struct {
	app     *app
	session session
	options attention.PlanOptions
	records []any
	counts  map[string]int
}

// check runs one case. It returns an error only when the rest cannot go on.
func (v *verification) check(ctx context.Context, tier attention.Tier, c verify.Case) error {
	start := time.Now()
	c.Tier = tier
	m, failures, err := verify.Check(ctx, c, func(ctx context.Context, c verify.Case, in verify.Inputs, out verify.Output) error {
		options := v.options
		options.Tier, options.NoFallback = tier, true
		if c.Tuning != "" { // what else was asked for might not go with it
			options.Tuning, options.Rules = c.Tuning, nil
		}
		plan, err := v.session.plan(attention.Problem{Shape: c.Shape, Mode: c.Mode, Params: c.Params}, options)
		if err != nil {
			return err
		}
		_, err = v.session.run(ctx, plan, attention.Inputs{Q: in.Q, K: in.K, V: in.V},
			attention.Outputs{O: out.O, LSE: out.LSE, Stripes: out.Stripes}, attention.RunOptions{})
		return err
	})
	r := caseRecord{
		Verdict: verdictOK, Tier: tier, Case: c.Name,
		NMSE: report.Float(m.NMSE), MaxError: report.Float(m.MaxErr), HalfMaxError: report.Float(m.HalfMaxErr), LSEError: report.Float(m.LSEErr),
		StripesDiffer: m.StripesDiffer, StripesWrong: m.StripesWrong,
		Seconds: report.Float(math.Round(time.Since(start).Seconds()*1000) / 1000),
		Digest:  m.Digest,
	}
	names := variableOf
	if c.Tuning != "" { // the case's own, which no variable asked for
		names = maps.Clone(variableOf)
		delete(names, "PlanOptions.Tuning")
	}
	var feature *vk.FeatureError
	var limit *vk.LimitError
	switch {
	case err == nil && len(failures) > 0:
		r.Verdict = verdictFail
		r.Why = strings.Join(failures, "; ")
	case err == nil:
		r.Why = strings.Join(m.Notes(), "; ")
	case ctx.Err() != nil:
		return err
	case exitCode(err) == exitDeviceLost:
		return fmt.Errorf("%s %s: %w", tier, c.Name, err)
	case errors.As(err, &feature) || errors.As(err, &limit):
		r.Verdict, r.Why = verdictUnsupported, inWords(err.Error(), names)
	default:
		r.Verdict, r.Why = verdictFail, inWords(err.Error(), names)
	}
	return v.add(r)
}

// add counts a verdict and, where the format is for people, prints it.
func (v *verification) add(r caseRecord) error {
	if v.counts == nil {
		v.counts = map[string]int{}
	}
	v.counts[r.Verdict]++
	v.records = append(v.records, r)
	if v.app.format != report.Markdown {
		return nil
	}
	colour := map[string]string{verdictOK: "32", verdictFail: "31", verdictUnsupported: "33"}[r.Verdict]
	line := v.app.colour(colour, fmt.Sprintf("%-13s", r.Verdict)) + " " + string(r.Tier)
	if r.Case != "" {
		line += " " + r.Case
	}
	if r.Why != "" {
		line += ": " + r.Why
	}
	_, err := fmt.Fprintln(v.app.stdout, line)
	return err
}

// finish prints the sum and turns failures into an error.
func (v *verification) finish() error {
	passed, failed, unsupported := v.counts[verdictOK], v.counts[verdictFail], v.counts[verdictUnsupported]
	if v.app.format == report.Markdown {
		if _, err := fmt.Fprintf(v.app.stdout, "%d passed, %d failed\n", passed, failed); err != nil {
			return err
		}
	} else {
		doc := report.Document{Key: "results", Records: v.records, Members: []report.Member{
			{Key: "device", Value: v.session.report().Name}, {Key: "passed", Value: passed}, {Key: "failed", Value: failed}, {Key: "not_supported", Value: unsupported},
		}}
		if err := doc.Write(v.app.stdout, v.app.format); err != nil {
			return err
		}
	}
	if failed > 0 {
		return &wrongError{fmt.Sprintf("%d of %s failed on %s", failed, plural.Of(passed+failed, "case", "cases"), v.session.report().Name)}
	}
	return nil
}
