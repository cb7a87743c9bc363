package backup

import "github.com/libp2p/go-libp2p/core/peer"

// Stage is what a Put or Get is doing.
type Stage string

// The stages. Put: pack, place, send, confirm. Get: find, fetch.
const (
	StagePack    Stage = "pack"    // reading and sealing files; Total is their size
	StagePlace   Stage = "place"   // choosing holders
	StageSend    Stage = "send"    // sending the sealed blob; Total is its size
	StageConfirm Stage = "confirm" // waiting for receipts; in copies
	StageFind    Stage = "find"    // looking for holders
	StageFetch   Stage = "fetch"   // receiving and unpacking; Total is the blob's size
)

// Progress is how far a Put or Get has come, in bytes unless the stage says otherwise.
type Progress struct {
	Stage       Stage
	Done, Total int64
	Holder      peer.ID // the peer that data go to or come from, if it is one
}

// report is a progress callback that may be nil. It is called for every piece of
// data, from one goroutine at a time; it should return at once.
type report func(Progress)

func (r report) tell(p Progress) {
	if r != nil {
		r(p)
	}
}
