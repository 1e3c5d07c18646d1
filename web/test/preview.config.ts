import { mergeConfig } from "vite";
import base from "../vite.config";
import { fixtureApi } from "./fixture-server";

export default mergeConfig(base, { plugins: [fixtureApi()] });
