package federation

// Stores is what a server keeps: raft's log and votes, its snapshots, and which
// incarnation it is.
type Stores struct{}

// OpenStores opens what is in a folder, or makes it. What it acknowledges is synced.
func OpenStores(folder string) (*Stores, error) { panic("not yet") }

// MemoryStores keeps everything in memory: a server that uses it forgets all when it
// stops.
func MemoryStores() *Stores { panic("not yet") }

// Close closes the files.
func (s *Stores) Close() error { panic("not yet") }
