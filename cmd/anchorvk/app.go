package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/anchorvk/anchorvk/internal/report"
)

// app is one invocation of the program.
type app struct {
	stdout, stderr io.Writer
	env            environment
	backend        backend
	freeMemory     func() (bytes float64, known bool)

	output         string // --output
	json           bool   // --json
	quiet, verbose bool
	format         report.Format
	log            *slog.Logger
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	code := exitCode(err)
	fmt.Fprintln(a.stderr, "anchorvk:", printable(message(err)))
	if code == exitUsage {
		fmt.Fprintf(a.stderr, "Run '%s --help' for its flags.\n", command.CommandPath())
	}
	return code
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "anchorvk",
		Short: "AnchorAttention prefill on Vulkan devices",
		Long: `anchorvk runs AnchorAttention (arXiv 2505.23520), a training-free sparse
attention for prefill, on any Vulkan device, and checks and measures it.

Data goes to stdout, everything else to stderr. Exit codes: 0 ok, 1 other
error, 2 usage, 3 no usable Vulkan device, 4 verification failed, 5 out of
memory, 6 device lost or timeout, 7 feature or limit missing, 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("unknown command %q%s", args[0], suggestion(cmd, args[0]))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.setup()
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetFlagErrorFunc(flagError)
	root.Version = moduleVersion()
	root.SetVersionTemplate("anchorvk {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&a.output, "output", "md", "output `format`: md, json, jsonl or csv")
	flags.BoolVar(&a.json, "json", false, "short for --output json")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no warnings on stderr")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say on stderr what is being done")
	values(root, "output", formatNames...)
	root.AddCommand(a.devicesCommand(), a.runCommand(), a.benchCommand(), a.evalCommand(), a.verifyCommand(), a.envCommand(), a.versionCommand())
	for _, cmd := range root.Commands() {
		if cmd.Flags().ShorthandLookup("o") == nil { // in run it is the output's file
			cmd.Flags().StringVarP(&a.output, "output", "o", "md", "output `format`: md, json, jsonl or csv")
			values(cmd, "output", formatNames...)
		}
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.InitDefaultCompletionCmd() // keeps the output of this moment
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" { // cobra's own accepts any word
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if len(args) == 0 {
					return nil
				}
				return usage("no completion for %q; choose bash, fish, powershell or zsh", args[0])
			}
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

var formatNames = []string{"md", "json", "jsonl", "csv"}

// setup turns the persistent flags and the environment into settings.
func (a *app) setup() error {
	if a.json {
		if a.output != "md" && a.output != "json" {
			return usage("--json and --output %s contradict each other; give one of them", a.output)
		}
		a.output = "json"
	}
	var err error
	if a.format, err = report.ParseFormat(a.output); err != nil {
		return usage("--output: %v", err)
	}
	if a.quiet && a.verbose {
		return usage("-q and -v contradict each other; give one of them")
	}
	level := slog.LevelWarn
	if text := a.env.get("ANCHORVK_LOG"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return usage("ANCHORVK_LOG is %q; use debug, info, warn or error", text)
		}
	}
	switch {
	case a.quiet:
		level = slog.LevelError
	case a.verbose:
		level = min(level, slog.LevelInfo)
	}
	a.log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: inLog}))
	return nil
}

// values tells the shell completion what a flag takes.
func values(cmd *cobra.Command, flag string, choices ...string) {
	complete := cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the flag does not exist: a mistake in this program
	}
}

// noArguments is the Args of commands that take flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no argument, but there is %q; options start with a dash", cmd.CommandPath(), args[0])
	}
	return nil
}

func suggestion(cmd *cobra.Command, name string) string {
	cmd.SuggestionsMinimumDistance = 2
	if found := cmd.SuggestionsFor(name); len(found) > 0 {
		return "; did you mean " + strings.Join(found, " or ") + "?"
	}
	return ""
}

// environment is the list of NAME=value that the program was started with.
type environment []string

func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e environment) lookup(name string) (string, bool) {
	for i := len(e) - 1; i >= 0; i-- { // the last one wins, as in os/exec
		key, value, ok := strings.Cut(e[i], "=")
		if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) { // as Windows has it
			return value, true
		}
	}
	return "", false
}

// isTerminal says whether w is a terminal that understands control codes.
func (a *app) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && a.env.get("TERM") != "dumb"
}

// colour wraps text in an SGR colour when stdout is a terminal and NO_COLOR
// (no-color.org) is not set.
func (a *app) colour(code, text string) string {
	if a.env.get("NO_COLOR") != "" || !a.isTerminal(a.stdout) {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
