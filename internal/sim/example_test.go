package sim_test

import (
	"fmt"
	"log"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/sim"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// A hundred nodes join through three seeds, half of them die at once, and half a
// minute later a query reaches all that are left.
func Example() {
	net, err := sim.New(sim.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	seeds := net.Grow(3, 0)
	net.Grow(97, 10*time.Second, seeds...)
	net.Run(30 * time.Second)

	net.Kill(net.Some(0.5)...)
	net.Run(30 * time.Second)

	asker := net.Live()[0]
	search := net.Ask(asker, &wire.Query{Words: []string{"holiday"}, Max: 10}, sim.AskOptions{Strategy: overlay.Flood})
	net.Run(3 * time.Second)
	fmt.Printf("%d live, parts of %v, reach %.0f %%\n", len(net.Live()), net.Components(), 100*search.Reach())
	// Output: 50 live, parts of [50], reach 100 %
}
