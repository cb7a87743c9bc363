// Package program is what the runnable programs share: flags with the same names in the
// environment and in a file, signals, output for a person or for a machine, exit codes.
//
// A program declares its flags and commands as a kong struct that embeds [Common],
// [Base] or [Shell], and hands it to [Main]:
//
//	type cli struct {
//		program.Common
//		Put putCmd `cmd:"" help:"Back a file up."`
//	}
//
//	func main() { program.Main("backup", "Keep files on peers.", &cli{}) }
//
// The Run method of the command, or of the struct itself, is called with what it asks
// for: a context.Context that ends at SIGINT or SIGTERM, an *[Output], and
// pointers to the struct and the commands on the way.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/libp2p/go-libp2p/gologshim"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

// The exit codes of every program.
const (
	ExitOK    = 0
	ExitError = 1
	ExitUsage = 2
)

// CLI is a kong struct that embeds [Shell], [Base] or [Common].
type CLI interface {
	shell() *Shell
	check() error
}

// Main runs a program and ends the process. The first SIGINT or SIGTERM ends the context
// that the program runs with; a second one ends the process at once.
func Main(name, description string, cli CLI) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // until the process ends
		<-signals
		cancel()
		<-signals
		os.Exit(ExitError)
	}()
	os.Exit(run(ctx, name, description, cli, os.Args[1:], os.Stdout, os.Stderr))
}

// exit is what kong ends the program with after it has shown the help or the version.
type exit int

func run(ctx context.Context, name, description string, cli CLI, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	cli.shell().name = name
	parser, err := kong.New(cli,
		kong.Name(name), kong.Description(description),
		kong.Vars{"version": version()},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.DefaultEnvars(envPrefix),
		kong.Configuration(readConfig),
		kong.Resolvers(envConfig{}),
	)
	if err != nil {
		panic(err) // the struct is wrong, not the user
	}
	parsed, err := parser.Parse(args)
	if err == nil {
		err = cli.check()
	}
	if err != nil {
		complain(stderr, name, commands(parser, err))
		fmt.Fprintf(stderr, "Run \"%s --help\" for what there is.\n", meant(name, err))
		return ExitUsage
	}
	gologshim.SetDefaultHandler(cli.shell().libraryHandler())
	out := newOutput(stdout, stderr, cli.shell().JSON)
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(out)
	err = parsed.Run()
	out.endProgress()
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		out.fail(err)
		complain(stderr, name, err)
		return ExitError
	}
	return ExitOK
}

// commands names all commands where kong names the first few.
func commands(parser *kong.Kong, err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context.Selected() != nil || !strings.HasPrefix(err.Error(), "expected one of") {
		return err
	}
	var names []string
	for _, command := range parser.Model.Children {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return fmt.Errorf("expected one of the commands %s", strings.Join(names, ", "))
}

// meant is the command that was typed, as far as it is one.
func meant(name string, err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		return parse.Context.Selected().FullPath()
	}
	return name
}

func complain(stderr io.Writer, name string, err error) {
	fmt.Fprintf(stderr, "%s: %s\n", name, display.Text(err.Error()))
}

// version returns the version of the module that the program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
