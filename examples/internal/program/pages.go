package program

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// pageTime bounds what the page of a bootstrap server may take to tell its peers.
const pageTime = 10 * time.Second

// splitPages parts the pages of bootstrap servers, to be asked over HTTP, from
// multiaddrs.
func splitPages(all []string) (addrs, pages []string) {
	for _, s := range all {
		if lower := strings.ToLower(s); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
			pages = append(pages, s)
		} else {
			addrs = append(addrs, s)
		}
	}
	return addrs, pages
}

func checkPages(pages []string) error {
	for _, page := range pages {
		if u, err := url.Parse(page); err != nil || u.Host == "" {
			return fmt.Errorf("%q is not the address of a page, such as https://example.org/", page)
		}
	}
	return nil
}

// pageSeeds asks all pages at once for peers to enter through.
func (p *Peer) pageSeeds(ctx context.Context) (seeds []peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	var mu sync.Mutex // guards seeds
	var asked sync.WaitGroup
	for i, page := range p.pages {
		asked.Go(func() {
			peers, err := bootstrap.HTTPSeeds(ctx, nil, page)
			mu.Lock()
			defer mu.Unlock()
			seeds = append(seeds, peers...)
			p.tellPage(i, len(peers), err)
		})
	}
	asked.Wait()
	return seeds
}

// tellPage says once what a page answers, and again when that changes.
func (p *Peer) tellPage(i, peers int, err error) {
	page := p.pages[i]
	switch {
	case !p.pageNews[i].news(err):
	case err != nil:
		p.out.Print("page-down", Fields{"page": page, "error": err.Error()}, "no peers from %s: %s", page, display.Line(err.Error()))
	default:
		p.out.Print("page", Fields{"page": page, "peers": peers}, "contacts from %s: %d", page, peers)
	}
}
