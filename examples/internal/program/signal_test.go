package program

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// stubbornCLI ends at the first signal, or never.
type stubbornCLI struct {
	Base
	Stubborn bool
}

func (c *stubbornCLI) Run(ctx context.Context, out *Output) error {
	out.Print("ready", nil, "ready")
	<-ctx.Done()
	out.Print("stopping", nil, "stopping")
	if c.Stubborn {
		select {}
	}
	return nil
}

// TestSignals runs Main in a second process, which is this test again.
func TestSignals(t *testing.T) {
	if arg := os.Getenv("PROGRAM_TEST_ARG"); arg != "" {
		os.Args = []string{"stubborn", arg}
		Main("stubborn", "A test.", &stubbornCLI{})
	}
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for arg, signals := range map[string][]string{"--no-such": nil, "--json=false": {"ready"}, "--stubborn": {"ready", "stopping"}} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // killed then, with another code
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSignals$")
			cmd.Env = append(os.Environ(), "PROGRAM_TEST_ARG="+arg)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			for _, want := range signals {
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("%s: %q, want %q", arg, lines.Text(), want)
				}
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			for lines.Scan() {
			}
			err = cmd.Wait()
			cancel()
			var exit *exec.ExitError
			errors.As(err, &exit)
			switch len(signals) {
			case 0:
				if exit == nil || exit.ExitCode() != ExitUsage {
					t.Errorf("%s: %v", arg, err)
				}
			case 1:
				if err != nil {
					t.Errorf("%s, %v: %v", arg, sig, err)
				}
			case 2:
				if exit == nil || exit.ExitCode() != ExitError {
					t.Errorf("%s, %v: %v", arg, sig, err)
				}
			}
		}
	}
}
