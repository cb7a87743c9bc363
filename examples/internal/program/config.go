package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/alecthomas/kong"
)

// maxConfig bounds the configuration file.
const maxConfig = 1 << 20

// configFile are the values of a configuration file: a JSON object whose names are those
// of the flags.
type configFile map[string]any

var _ kong.Resolver = configFile(nil)

// readConfig reads a configuration file; it is a kong.ConfigurationLoader.
func readConfig(r io.Reader) (kong.Resolver, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration file: %w", err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("configuration file is larger than %d bytes", maxConfig)
	}
	var values configFile
	if err := json.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("configuration file is not a JSON object: %w", err)
	}
	return values, nil
}

// Validate refuses names that are no flag.
func (c configFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if !known[name] {
			return fmt.Errorf("configuration file: there is no flag %q", name)
		}
	}
	return nil
}

// Resolve returns the value of a flag that is in the file and not in the environment.
func (c configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	return c[flag.Name], nil
}

// envConfig resolves from the file that GRAPEVINE_CONFIG names, unless there is a
// --config.
type envConfig struct{}

var _ kong.Resolver = envConfig{}

func (envConfig) Validate(*kong.Application) error { return nil }

func (envConfig) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	name := os.Getenv(envPrefix + "_CONFIG")
	if name == "" {
		return nil, nil
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			return nil, nil
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open configuration file: %w", err)
	}
	values, err := readConfig(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := values.Validate(ctx.Model); err != nil {
		return nil, err
	}
	return values.Resolve(ctx, parent, flag)
}
