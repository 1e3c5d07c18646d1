import "./styles/main.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueries } from "./api/cache";
import { meQuery } from "./api/queries";
import { createAppRouter } from "./router";

const place = document.getElementById("root");
if (!place) throw new Error("index.html has no element `root`");

// A session that ended is begun again where the person was.
const queries = createQueries(() => {
  queries.removeQueries({ queryKey: meQuery.queryKey });
  void router.invalidate();
});
const router = createAppRouter(queries);

createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
