package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// succeed runs the program and returns what it prints.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := programtest.Run(t, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("%q: exit code %d, standard error %q", args, code, stderr)
	}
	return stdout
}

// small is a network that is simulated within a second.
var small = []string{"--peers", "150", "--degree", "12", "--keys", "200", "--queries", "40"}

func with(args ...string) []string { return slices.Concat(small, args) }

// objects decodes one JSON object a line.
func objects(t *testing.T, stdout string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, o)
	}
	return all
}

func TestTable(t *testing.T) {
	stdout := succeed(t, with("--strategy", "all")...)
	t.Log("\n" + stdout)
	for _, what := range append(strategyNames(), "success", "messages", "p50", "p95", "hops", "first hit", "state", "upkeep", "seed 1", "model") {
		if !strings.Contains(stdout, what) {
			t.Errorf("no %q in the table", what)
		}
	}
	if got := len(regexp.MustCompile(`100\.0 %`).FindAllString(stdout, -1)); got < 5 {
		t.Errorf("%d of %d strategies found all", got, len(strategyNames()))
	}
}

func TestJSON(t *testing.T) {
	all := objects(t, succeed(t, with("--json", "--strategy", "guided,flood", "--strategy", "kademlia,flood")...))
	if len(all) != 3 {
		t.Fatalf("%d objects for three strategies", len(all))
	}
	for i, name := range []string{"guided", "flood", "kademlia"} {
		if all[i]["strategy"] != name {
			t.Errorf("object %d is of %v", i, all[i]["strategy"])
		}
		for _, key := range []string{
			"strategy", "peers", "degree", "replicas", "dead", "hostile", "seed", "success", "messages_mean", "messages_p50",
			"messages_p95", "hops_mean", "latency_ms_p50", "state_bytes_mean", "upkeep_bytes_per_s", "wall_s",
		} {
			if _, ok := all[i][key]; !ok {
				t.Errorf("%s: no %q", name, key)
			}
		}
	}
	guided, flood := all[0], all[1]
	if guided["messages_mean"].(float64) >= flood["messages_mean"].(float64)/10 {
		t.Errorf("%v messages by summaries, %v by flooding", guided["messages_mean"], flood["messages_mean"])
	}
	if guided["state_bytes_mean"].(float64) <= 0 || guided["upkeep_bytes_per_s"].(float64) <= 0 || guided["peers"] != 150.0 {
		t.Errorf("%v", guided)
	}
}

// TestSameSeedSameFigures, but for the time that it took.
func TestSameSeedSameFigures(t *testing.T) {
	args := with("--json", "--dead", "0.2", "--hostile", "0.1", "--loss", "0.01", "--strategy", "guided,random-walk")
	wall := regexp.MustCompile(`"wall_s":[0-9.e+-]+,`)
	first := wall.ReplaceAllString(succeed(t, args...), "")
	if again := wall.ReplaceAllString(succeed(t, args...), ""); again != first {
		t.Errorf("the same seed gave\n%s\nand\n%s", first, again)
	}
	if other := wall.ReplaceAllString(succeed(t, append(args, "--seed", "2")...), ""); other == strings.ReplaceAll(first, `"seed":1`, `"seed":2`) {
		t.Error("another seed gave the same")
	}
	alone := objects(t, succeed(t, append(args, "--strategy", "random-walk")...))
	if last := objects(t, first)[1]; alone[len(alone)-1]["messages_mean"] != last["messages_mean"] {
		t.Error("a strategy's figures depend on which others are simulated")
	}
}

// TestCases runs all that a network can be made to suffer.
func TestCases(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"dead", []string{"--dead", "0.3"}, "30 % gone at once"},
		{"hostile", []string{"--hostile", "0.2"}, "20 % hostile"},
		{"loss", []string{"--loss", "0.02"}, "2 % of messages lost"},
		{"words", []string{"--words", "2"}, "of 2 words"},
		{"churn", []string{"--session", "30m", "--warm", "1m"}, "sessions of 30m0s"},
		{"changing", []string{"--changing", "0.05"}, "5 % of keys replaced"},
		{"ttl", []string{"--strategy", "flood", "--ttl", "2"}, "flood"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout := succeed(t, with(c.args...)...)
			t.Log("\n" + stdout)
			if !strings.Contains(stdout, c.want) {
				t.Errorf("no %q in %q", c.want, stdout)
			}
		})
	}
}

// TestAbsent: of what is not there, the share of the network that was searched is told,
// and is the truth.
func TestAbsent(t *testing.T) {
	all := objects(t, succeed(t, with("--json", "--absent", "--strategy", "exhaustive")...))
	says, truth := all[0]["coverage_estimated"].(float64), all[0]["coverage_true"].(float64)
	t.Logf("%v of 40 searches do not say what they covered", all[0]["coverage_unsure"])
	if all[0]["success"] != 0.0 || truth < 0.99 || says < truth-0.05 || says > truth+0.05 {
		t.Errorf("success %v, %v said to be covered, %v in truth", all[0]["success"], says, truth)
	}
	if stdout := succeed(t, with("--absent", "--strategy", "exhaustive")...); !strings.Contains(stdout, "in truth") {
		t.Errorf("the table does not tell what was covered: %q", stdout)
	}
	unsure := objects(t, succeed(t, with("--json", "--absent", "--strategy", "flood")...))[0]
	if said, ok := unsure["coverage_estimated"]; !ok || said != nil {
		t.Errorf("a flood says that it covered %v", said)
	}
}

// TestAllAbsent: the models, which find a record whatever is looked for, stay out.
func TestAllAbsent(t *testing.T) {
	c := cli{Strategy: []string{"all"}, Absent: true}
	if got := c.strategies(); len(got) != len(strategyNames())-2 || slices.ContainsFunc(got, isModel) {
		t.Errorf("%q", got)
	}
}

// TestConfirming a record costs a dial more than finding it, and more where some died.
func TestConfirming(t *testing.T) {
	for _, dead := range []string{"0", "0.4"} {
		all := objects(t, succeed(t, with("--json", "--strategy", "kademlia,kademlia-confirmed", "--dead", dead)...))
		found, confirmed := all[0], all[1]
		for _, key := range []string{"messages_mean", "latency_ms_p50"} {
			if found[key].(float64) >= confirmed[key].(float64) {
				t.Errorf("%s dead: %s of %v without asking the provider, %v with", dead, key, found[key], confirmed[key])
			}
		}
	}
}

// TestExplainAttempts: where several walks were sent, it shows which begins where.
func TestExplainAttempts(t *testing.T) {
	stdout := succeed(t, with("--explain", "--hostile", "0.7", "--replicas", "1")...)
	if !strings.Contains(stdout, "attempt 1 begins") || !strings.Contains(stdout, "attempt 2 begins") {
		t.Errorf("not told apart:\n%s", stdout)
	}
}

func TestExplain(t *testing.T) {
	stdout := succeed(t, with("--explain")...)
	t.Log("\n" + stdout)
	asks := regexp.MustCompile(`guided: peer (\d+) asks for the key "wanted/`).FindStringSubmatch(stdout)
	has := regexp.MustCompile(`peer (\d+) has it, \d+ hops? away: found after [\d.]+ ms with (\d+) messages`).FindStringSubmatch(stdout)
	if asks == nil || has == nil {
		t.Fatalf("neither who asks nor who has it: %q", stdout)
	}
	for _, move := range []string{`ms +` + asks[1] + ` -> \d+ +(probe|scout)`, `ms +\d+ -> ` + has[1] + ` +(probe|scout)`, `-> ` + asks[1] + ` +1 result`} {
		if !regexp.MustCompile(move).MatchString(stdout) {
			t.Errorf("no move like %q", move)
		}
	}
	if flood := succeed(t, with("--explain", "--strategy", "flood")...); !strings.Contains(flood, "hop 1: 1") || !strings.Contains(flood, "has it") {
		t.Errorf("a flood is not explained by hops: %q", flood)
	}
	moves := 0
	for _, o := range objects(t, succeed(t, with("--explain", "--json")...)) {
		if o["event"] == "move" {
			moves++
		}
	}
	if moves < 2 {
		t.Errorf("%d moves as JSON", moves)
	}
}

func TestDrawings(t *testing.T) {
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	succeed(t, with("--strategy", "guided,flood", "--plot", file("m.svg"), "--overlay", file("o.svg"), "--explain", "--dead", "0.1")...)
	succeed(t, with("--plot", file("m.png"), "--overlay", file("o.PNG"))...)
	for name, texts := range map[string][]string{
		"m.svg": {"guided", "flood", "messages"},
		"o.svg": {"asker", "gone"},
	} {
		data, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(data))
		root := ""
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if start, ok := token.(xml.StartElement); ok && root == "" {
				root = start.Name.Local
			}
		}
		if root != "svg" {
			t.Errorf("%s is a %q", name, root)
		}
		for _, text := range texts {
			if !bytes.Contains(data, []byte(text)) {
				t.Errorf("%s: no %q", name, text)
			}
		}
	}
	for _, name := range []string{"m.png", "o.PNG"} {
		f, err := os.Open(file(name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--strategy", "telepathy"}, `there is no "telepathy"; there are guided, `},
		{[]string{"--strategy", ""}, "--strategy: name one of guided, "},
		{[]string{"--peers", "3"}, "--peers: 3 is not from 10 to "},
		{[]string{"--degree", "49"}, "--degree: 49 is not from 1 to 48"},
		{[]string{"--peers", "20", "--replicas", "21"}, "--replicas: 21 is not from 1 to 20"},
		{[]string{"--keys", "0"}, "--keys: 0 is not from 1 to "},
		{[]string{"--queries=-1"}, "--queries: -1 is not from 1 to "},
		{[]string{"--ttl", "8"}, "--ttl: 8 is not from 0 to 7"},
		{[]string{"--words", "4"}, "--words: 4 is not from 0 to 3"},
		{[]string{"--dead", "1.5"}, "--dead: 1.5 is not a share from 0 to 0.95"},
		{[]string{"--hostile", "NaN"}, "--hostile: NaN is not a share"},
		{[]string{"--dead", "0.5", "--hostile", "0.5"}, "--dead and --hostile: too few peers are left"},
		{[]string{"--loss", "lots"}, "--loss"},
		{[]string{"--session", "3s"}, "--session: 3s is not a minute or more"},
		{[]string{"--plot", "figure.pdf"}, `figure.pdf" ends neither in .svg nor in .png`},
		{[]string{"--plot", filepath.Join(t.TempDir(), "no", "folder.svg")}, "--plot: "},
		{[]string{"--absent", "--strategy", "kademlia"}, "--absent: the model of kademlia"},
		{[]string{"--absent", "--strategy", "kademlia-confirmed"}, "--absent: the model of kademlia"},
		{[]string{"--overlay", "o.svg"}, "--overlay: a drawing of 1000 peers shows nothing; it takes at most --peers 500"},
	} {
		stdout, stderr, code := programtest.Run(t, c.args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "simulate --help") {
			t.Errorf("%q: exit code %d, %q", c.args, code, stderr)
		}
	}
}

// TestFileThatCannotBe: the figures are printed all the same.
func TestFileThatCannotBe(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder.svg")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := programtest.Run(t, with("--plot", folder)...)
	if code != 1 || !strings.Contains(stdout, "guided") || !strings.Contains(stderr, "draw the messages per query: ") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// TestNobodyToAsk: where all holders are gone there is still something to print and draw.
func TestNobodyToAsk(t *testing.T) {
	none := 0
	row := regexp.MustCompile(`(?m)^ +guided +- +- +- +- `) // what could not be measured
	for _, seed := range []string{"1", "2", "3", "4"} {
		stdout := succeed(t, "--peers=10", "--replicas=1", "--keys=10", "--queries=1", "--dead=0.95", "--explain", "--seed", seed,
			"--plot", filepath.Join(t.TempDir(), "plot.svg"), "--overlay", filepath.Join(t.TempDir(), "overlay.svg"))
		if strings.Contains(stdout, "0 of 1 query asked") {
			none++
			if !row.MatchString(stdout) {
				t.Errorf("a measure of nothing: %s", stdout)
			}
		}
	}
	if none == 0 {
		t.Error("each time something could be asked")
	}
}
