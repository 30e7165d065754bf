// CORS of the auth server itself, needed if the frontend has another origin than Better Auth.
import { auth } from "./auth.js";

export function corsHeaders(req) {
  const headers = [["Vary", "Origin"]];
  if (auth.options.trustedOrigins.includes(req.headers.origin)) {
    headers.push(
      ["Access-Control-Allow-Origin", req.headers.origin],
      ["Access-Control-Allow-Credentials", "true"],
      ["Access-Control-Allow-Methods", "GET, POST"],
      ["Access-Control-Allow-Headers", "Content-Type"],
    );
  }
  return headers;
}
