package main

import (
	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

// bar shows the stages of a Put or Get, one bar for each that counts bytes.
type bar struct {
	out   *program.Output
	name  string
	stage backup.Stage
	done  int64
	shown *program.Progress
}

// tell is the progress callback.
func (b *bar) tell(p backup.Progress) {
	if p.Stage != b.stage || p.Done < b.done {
		b.end()
		b.stage, b.done = p.Stage, 0
		words := map[backup.Stage]string{
			backup.StagePack: "sealing ", backup.StageSend: "sending ", backup.StageFetch: "fetching ",
		}[p.Stage]
		if words != "" {
			b.shown = b.out.Progress(words+b.name, p.Total)
		}
	}
	if b.shown != nil {
		b.shown.Add(p.Done - b.done)
	}
	b.done = p.Done
}

func (b *bar) end() {
	if b.shown != nil {
		b.shown.Done()
	}
	b.shown = nil
}
