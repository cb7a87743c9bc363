package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testCLI is a program with a command and a flag of its own.
type testCLI struct {
	Common
	Put putCmd `cmd:"" help:"Put a file."`
}

type putCmd struct {
	File     string `arg:""`
	Replicas int    `default:"3"`

	ran  bool
	fail error
}

func (p *putCmd) Run(ctx context.Context, out *Output) error {
	p.ran = true
	out.Print("put", Fields{"file": p.File, "replicas": p.Replicas}, "put %s on %d peers", p.File, p.Replicas)
	out.Detail("for a person")
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.fail
}

// clearEnv takes the names of the flags out of the environment.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, envPrefix+"_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
}

func runTest(t *testing.T, ctx context.Context, cli CLI, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(ctx, "grape", "A test.", cli, args, &o, &e)
	return code, o.String(), e.String()
}

const (
	idA   = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
	idB   = "12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu"
	addrA = "/ip4/127.0.0.1/tcp/4001/p2p/" + idA
	addrB = "/ip4/127.0.0.1/udp/4001/quic-v1/p2p/" + idB
)

func TestRunExitCodes(t *testing.T) {
	clearEnv(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		what   string
		ctx    context.Context
		args   []string
		fail   error
		code   int
		stdout string
		stderr string
	}{
		{"works", t.Context(), []string{"put", "f"}, nil, ExitOK, "put f on 3 peers\nfor a person\n", ""},
		{"json", t.Context(), []string{"--json", "put", "f"}, nil, ExitOK, `{"event":"put","file":"f","replicas":3}` + "\n", ""},
		{"fails", t.Context(), []string{"put", "f"}, errors.New("disk \x1b[2Jfull"), ExitError, "", "grape: disk \uFFFD[2Jfull\n"},
		{"fails in json", t.Context(), []string{"put", "f", "--json"}, errors.New("full"), ExitError, `{"error":"full","event":"error","ok":false}`, "grape: full\n"},
		{"interrupted", cancelled, []string{"put", "f"}, nil, ExitError, "", "grape: interrupted\n"},
		{"no command", t.Context(), nil, nil, ExitUsage, "", "put"},
		{"unknown flag", t.Context(), []string{"--colour", "put", "f"}, nil, ExitUsage, "", "unknown flag --colour"},
		{"unknown flag of a command", t.Context(), []string{"put", "f", "--colour"}, nil, ExitUsage, "", "Run \"grape put --help\""},
		{"no argument", t.Context(), []string{"put"}, nil, ExitUsage, "", "Run \"grape put --help\""},
		{"bad level", t.Context(), []string{"--log-level=loud", "put", "f"}, nil, ExitUsage, "", "loud"},
		{"bad bootstrap", t.Context(), []string{"--bootstrap", addrA, "--bootstrap=localhost:4001", "put", "f"}, nil, ExitUsage, "", `--bootstrap: "localhost:4001" is not a multiaddr`},
		{"bad listen", t.Context(), []string{"--listen=:4001", "put", "f"}, nil, ExitUsage, "", `--listen: ":4001" is not`},
		{"help", t.Context(), []string{"--help"}, nil, ExitOK, "GRAPEVINE_LOG_LEVEL", ""},
		{"help of a command", t.Context(), []string{"put", "--help"}, nil, ExitOK, "--replicas", ""},
		{"version", t.Context(), []string{"--version"}, nil, ExitOK, "\n", ""},
		{"missing config", t.Context(), []string{"--config=/does/not/exist", "put", "f"}, nil, ExitUsage, "", "/does/not/exist"},
	} {
		cli := &testCLI{Put: putCmd{fail: c.fail}}
		code, stdout, stderr := runTest(t, c.ctx, cli, c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", c.what, code, stdout, stderr)
		}
		if c.code == ExitUsage && (cli.Put.ran || !strings.Contains(stderr, "--help")) {
			t.Errorf("%s: ran: %v, stderr %q", c.what, cli.Put.ran, stderr)
		}
	}
}

// manyCLI is a program with more commands than kong names in an error.
type manyCLI struct {
	Base
	A   struct{} `cmd:""`
	B   struct{} `cmd:""`
	C   struct{} `cmd:""`
	D   struct{} `cmd:""`
	E   struct{} `cmd:""`
	Key struct{} `cmd:""`
}

func TestAllCommandsAreNamed(t *testing.T) {
	clearEnv(t)
	if code, _, stderr := runTest(t, t.Context(), &manyCLI{}); code != ExitUsage || !strings.Contains(stderr, "a, b, c, d, e, key") {
		t.Errorf("code %d, %q", code, stderr)
	}
}

// rootCLI is a program without commands.
type rootCLI struct {
	Base
	HTTP string `name:"http"`
	ran  bool
}

func (c *rootCLI) Run(context.Context, *Output) error {
	c.ran = true
	return nil
}

func TestRunWithoutCommands(t *testing.T) {
	clearEnv(t)
	cli := &rootCLI{}
	if code, _, stderr := runTest(t, t.Context(), cli, "--http=:8080"); code != ExitOK || !cli.ran || cli.HTTP != ":8080" {
		t.Errorf("code %d, %q, %+v", code, stderr, cli)
	}
}

func TestFlagSources(t *testing.T) {
	clearEnv(t)
	folder := t.TempDir()
	config := filepath.Join(folder, "config.json")
	other := filepath.Join(folder, "other.json")
	write := func(name string, values map[string]any) {
		data, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, map[string]any{
		"network": "file", "log-level": "error", "replicas": 5, "json": true,
		"bootstrap": []string{addrA, addrB}, "data": folder,
	})
	write(other, map[string]any{"network": "other"})

	get := func(args ...string) *testCLI {
		t.Helper()
		cli := &testCLI{}
		if code, _, stderr := runTest(t, t.Context(), cli, append(args, "put", "f")...); code != ExitOK {
			t.Fatalf("code %d, %s", code, stderr)
		}
		return cli
	}
	cli := get()
	if cli.Network != "grapevine" || cli.LogLevel != "warn" || cli.Put.Replicas != 3 || len(cli.Bootstrap) != 0 {
		t.Errorf("defaults: %+v", cli)
	}
	check := func(what string, cli *testCLI) {
		t.Helper()
		if cli.Network != "file" || cli.LogLevel != "error" || cli.Put.Replicas != 5 || !cli.JSON ||
			!slices.Equal(cli.Bootstrap, []string{addrA, addrB}) || cli.Data != folder {
			t.Errorf("%s: %+v", what, cli)
		}
	}
	check("--config", get("--config", config))
	if cli := get("--config", config, "--network=line", "--bootstrap", addrB); cli.Network != "line" || len(cli.Bootstrap) != 1 {
		t.Errorf("command line over file: %+v", cli)
	}

	t.Setenv("GRAPEVINE_CONFIG", config)
	check("GRAPEVINE_CONFIG", get())
	if cli := get("--config", other); cli.Network != "other" || cli.Put.Replicas != 3 {
		t.Errorf("--config over GRAPEVINE_CONFIG: %+v", cli)
	}
	t.Setenv("GRAPEVINE_NETWORK", "environment")
	t.Setenv("GRAPEVINE_BOOTSTRAP", addrB+","+addrA)
	t.Setenv("GRAPEVINE_REPLICAS", "7")
	if cli := get(); cli.Network != "environment" || cli.Put.Replicas != 7 ||
		!slices.Equal(cli.Bootstrap, []string{addrB, addrA}) || cli.LogLevel != "error" {
		t.Errorf("environment over file: %+v", cli)
	}
	if cli := get("--network=line"); cli.Network != "line" {
		t.Errorf("command line over environment: %+v", cli)
	}
}

func TestBadConfig(t *testing.T) {
	clearEnv(t)
	for content, say := range map[string]string{
		`{"netwrok": "typo"}`:             `no flag "netwrok"`,
		`not json`:                        "not a JSON object",
		`["network"]`:                     "not a JSON object",
		`{"replicas": "many"}`:            "many",
		strings.Repeat(" ", maxConfig+10): "larger than",
	} {
		name := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, fromEnv := range []bool{false, true} {
			args := []string{"put", "f"}
			if fromEnv {
				t.Setenv("GRAPEVINE_CONFIG", name)
			} else {
				args = append(args, "--config", name)
			}
			if code, _, stderr := runTest(t, t.Context(), &testCLI{}, args...); code != ExitUsage || !strings.Contains(stderr, say) {
				t.Errorf("%.30q: code %d, %s", content, code, stderr)
			}
			os.Unsetenv("GRAPEVINE_CONFIG")
		}
	}
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		shell Shell
		want  slog.Level
	}{
		{Shell{LogLevel: "warn"}, slog.LevelWarn},
		{Shell{LogLevel: "warn", Verbose: true}, slog.LevelInfo},
		{Shell{LogLevel: "debug", Verbose: true}, slog.LevelDebug},
		{Shell{LogLevel: "error"}, slog.LevelError},
	} {
		if got := c.shell.level(); got != c.want {
			t.Errorf("%+v: %v", c.shell, got)
		}
	}
}

func TestDataDir(t *testing.T) {
	for data, end := range map[string]string{"here": filepath.Join("program", "here"), "": "grapevine-list"} {
		b := &Base{Data: data}
		if err := b.ChooseData("-list"); err != nil || !filepath.IsAbs(b.Data) || !strings.HasSuffix(b.Data, end) {
			t.Errorf("%q: %q, %v", data, b.Data, err)
		}
	}
}
