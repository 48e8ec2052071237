// The rules of what owners decide together (keychain-ledger.md): `Propose` and `Approve`.

import { equal } from "../bytes.ts";
import { check, Failure } from "../failure.ts";
import type { Decision, Vote } from "../keychain-op.ts";
import { type Keychain, principalOf, type Proposal, proposalOf } from "../keychain-state.ts";
import type { Acting } from "./acting.ts";

const MOST_OPEN_PROPOSALS = 16;

/**
 * Applies a `Propose` or `Approve`, and the decision, once enough owners are for it.
 * @throws Failure of the first rule that does not hold
 */
export function vote(acting: Acting, { op, decision }: Vote): void {
  const { state, author, via } = acting;
  check(state.owners.has(author) && via.length === 0, "NotAnOwner");
  requireDecidable(acting, decision);
  const { approvers } = op === "Propose" ? propose(acting, decision) : proposed(acting, decision);
  approvers.add(author);
  if (approvers.size > state.owners.size / 2) decide(state, decision);
}

/** Whether there is something to decide, and the author is one of those who do. */
function requireDecidable({ state, author }: Acting, { decision, id }: Decision): void {
  const principal = principalOf(id);
  switch (decision) {
    case "AddOwner": {
      const member = state.members.get(principal);
      if (member === undefined) throw new Failure("NoSuchMember");
      check(!state.groups.has(principal), "OwnerIsGroup");
      check(!state.owners.has(principal), "AlreadyOwner");
      check(member.follows, "RightsWithoutFollowing");
      return;
    }
    case "RemoveOwner":
      check(principal !== author, "RemovalOfOneself");
      check(state.owners.has(principal), "NoSuchOwner");
      return;
    case "Successor":
      check(!equal(id, state.id), "SuccessorOfItself");
  }
}

function propose({ state, author }: Acting, decision: Decision): Proposal {
  const name = proposalOf(decision);
  check(!state.proposals.has(name), "AlreadyProposed");
  const own = [...state.proposals.values()].filter(({ proposer }) => proposer === author);
  check(own.length < MOST_OPEN_PROPOSALS, "TooManyProposals");
  const proposal = { decision, proposer: author, approvers: new Set<string>() };
  state.proposals.set(name, proposal);
  return proposal;
}

function proposed({ state, author }: Acting, decision: Decision): Proposal {
  const proposal = state.proposals.get(proposalOf(decision));
  if (proposal === undefined) throw new Failure("NoSuchProposal");
  check(!proposal.approvers.has(author), "AlreadyApproved");
  return proposal;
}

function decide(state: Keychain, decision: Decision): void {
  if (decision.decision === "Successor") {
    state.successor = decision.id;
    state.proposals.delete(proposalOf(decision));
    return;
  }
  const principal = principalOf(decision.id);
  const member = state.members.get(principal);
  if (member === undefined) throw new Failure("NoSuchMember");
  if (decision.decision === "AddOwner") {
    state.owners.add(principal);
    member.readOnly = false;
    member.expiresAt = null;
  } else {
    state.owners.delete(principal);
    member.permissions = 0;
  }
  state.proposals.clear();
}
