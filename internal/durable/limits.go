package durable

const (
	// MaxRecord bounds a record of a log: the memory that reading one takes. It
	// is that of a data frame's payload.
	MaxRecord = 1 << 20
	// maxBatch bounds what is collected in memory while a commit is under way.
	maxBatch = 4 << 20
)
