package durable_test

import (
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

func TestConformance(t *testing.T) {
	t.Run("OS", func(t *testing.T) {
		durabletest.Conform(t, func(t *testing.T) (durable.FS, string) {
			return durable.OS{}, t.TempDir()
		})
	})
	t.Run("Mem", func(t *testing.T) {
		durabletest.Conform(t, func(t *testing.T) (durable.FS, string) {
			return durabletest.NewMem(), "/"
		})
	})
	t.Run("Wrap", func(t *testing.T) {
		durabletest.Conform(t, func(t *testing.T) (durable.FS, string) {
			return durabletest.Wrap(durabletest.NewMem(), func(durabletest.Op) error { return nil }), "/"
		})
	})
}
