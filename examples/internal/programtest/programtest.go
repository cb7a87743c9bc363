// Package programtest runs a program as its user does, for the tests of that program:
// the test binary itself takes the program's place.
//
//	func TestMain(m *testing.M) { programtest.Main(m, main) }
package programtest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Patience is how long a test waits for what it expects, on a machine however busy.
const Patience = 60 * time.Second

// Loopback is where the programs listen.
const Loopback = "/ip4/127.0.0.1/tcp/0"

// asProgram in the environment makes the test binary the program.
const asProgram = "GRAPEVINE_TEST_AS_PROGRAM"

// Main runs the tests, or the program where it was started by one of them. Goroutines
// that the tests leave behind fail them.
func Main(m *testing.M, program func()) {
	if os.Getenv(asProgram) != "" {
		program()
		return
	}
	goleak.VerifyTestMain(m)
}

// Command is the program with arguments, in an environment without other settings.
func Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GRAPEVINE_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, asProgram+"=1", "GRAPEVINE_LISTEN="+Loopback, "TZ=UTC")
	return cmd
}

// Run runs the program to its end.
func Run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := Command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Says runs the program to its end and checks what a person reads of it: results on
// standard output and nothing else, or one clear error on standard error. Both may be
// more than the text given.
func Says(t *testing.T, text string, code int, args ...string) {
	t.Helper()
	stdout, stderr, got := Run(t, args...)
	if got != code {
		t.Errorf("exit code %d, want %d: %s", got, code, stderr)
	}
	said := stdout
	if code != 0 {
		said = stderr
	}
	if !strings.Contains(said, text) {
		t.Errorf("said %q, want %q", said, text)
	}
	if code == 0 && stderr != "" || code == 1 && strings.Count(stderr, "\n") != 1 {
		t.Errorf("on standard error: %q", stderr)
	}
}
