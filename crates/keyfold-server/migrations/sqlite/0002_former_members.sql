-- Who was a member reads the ledger up to the entry that ended that, and sees there what happened.
ALTER TABLE audience ADD COLUMN read_until INTEGER; -- that entry's number; NULL for who never was a member
