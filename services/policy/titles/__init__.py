"""Cases without money: what they need to be proposed and decided, and the title that they yield."""
