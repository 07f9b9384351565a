drop table llm_spend;
drop table llm_budgets;
