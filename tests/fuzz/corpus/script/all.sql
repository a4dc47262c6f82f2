session A goes-on
step s { SELECT 1, '}' , "a" FROM t -- }
 } into a, b
step t { UPDATE t SET n = :a::int, m = :b };
order A.s A.t
state { SELECT 1 }
session B like A step u { COMMIT }
