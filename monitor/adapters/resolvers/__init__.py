"""Ask DNS servers over every transport; the one door to dnspython."""
