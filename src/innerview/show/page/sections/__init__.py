"""The sections of the page, one file each: what to work out, and in which words it is introduced."""
