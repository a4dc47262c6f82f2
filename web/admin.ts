// The pages under /admin/: what is imported here brings its routes along.

import "./accounts";
import "./account";
import "./transactions";
import "./people";
import "./history";
import { start } from "./shell";

void start();
