"""Constants of buying: spot interruptions, owned servers, electricity."""

from __future__ import annotations

from app.estimator.constants.constant import Constant

PURCHASE_CONSTANTS = (
    Constant(
        "spot_interruptions_per_instance_day",
        "Spot instances taken away",
        0.05,
        "per instance and day",
        0.0,
        24.0,
        "assumption",
        "AWS Spot Instance Advisor states bands of under 5% to over 20% of instances in a month; "
        "GPU instances lie in the upper ones, and short of capacity far above. 5% a day is on the "
        "safe side of them.",
    ),
    Constant(
        "power_load_fraction",
        "Power of a server in training",
        0.82,
        "share of its rated power",
        0.05,
        1.0,
        "derived",
        "8.4 kW measured on a node of 8 H100 rated 10.2 kW, with the GPUs near full load "
        "(Latif et al., arXiv:2412.08602).",
    ),
    Constant(
        "power_idle_fraction",
        "Power of a server that waits",
        0.2,
        "share of its rated power",
        0.0,
        1.0,
        "assumption",
        "GPUs idle at a tenth of their limit; fans, processors and memory do not go down as far.",
    ),
    Constant(
        "host_power_per_gpu_power",
        "Rated power of the host for each watt of a GPU's limit",
        0.8,
        "ratio",
        0.0,
        5.0,
        "derived",
        "DGX H100: 10.2 kW with 8 GPUs of 700 W, 0.82; DGX B200: 14.3 kW with 8 of 1,000 W, 0.79.",
    ),
    Constant(
        "data_centre_pue",
        "Power usage effectiveness of the data centre",
        1.54,
        "ratio",
        1.0,
        3.0,
        "fact",
        "Mean of Uptime Institute's global survey of 2025; large clouds state about 1.1.",
    ),
    Constant(
        "electricity_usd_per_kwh",
        "Electricity for servers of your own",
        0.09,
        "USD/kWh",
        0.0,
        2.0,
        "assumption",
        "The middle of the 0.06 to 0.12 that published cost models use for the US.",
    ),
    Constant(
        "colocation_usd_per_kw_month",
        "Colocation of servers of your own, without electricity",
        200.0,
        "USD per rated kW and month",
        0.0,
        5_000.0,
        "assumption",
        "The middle of 150 to 250 for space, cooling plant and power capacity; contracts meter "
        "electricity apart, and so it is counted apart here. 0 for a room of your own.",
    ),
    Constant(
        "server_usd_per_gpu",
        "Price of servers of your own for each GPU",
        0.0,
        "USD per GPU",
        0.0,
        1_000_000.0,
        "assumption",
        "0: the table of servers. Where it is above 0, servers with the GPU of the plan are bought "
        "at this price, whatever the table says, with the power of their GPUs and its share for "
        "the host.",
    ),
    Constant(
        "server_life_years",
        "Life of a server of your own",
        3.0,
        "years",
        1.0,
        15.0,
        "assumption",
        "Buyers' cost models use 3; Amazon and Nebius write servers off over 5, Alphabet over 6.",
    ),
    Constant(
        "server_residual_fraction",
        "Worth of a server at the end of its life",
        0.3,
        "share of its price",
        0.0,
        1.0,
        "assumption",
        "25 to 35% after 36 months; it falls evenly until then.",
    ),
    Constant(
        "server_network_fraction",
        "Switches, cables and transceivers between servers of your own",
        0.125,
        "share of the price of the servers",
        0.0,
        1.0,
        "assumption",
        "10 to 15% in published cost models; counted where several servers are joined, and worth "
        "nothing at the end.",
    ),
    Constant(
        "server_upkeep_fraction",
        "Maintenance and administration of servers of your own",
        0.1,
        "share of the price a year",
        0.0,
        1.0,
        "assumption",
        "About half of it a support contract, half the people who run the machines.",
    ),
    Constant(
        "owned_utilisation_fraction",
        "Use of servers of your own, by all of the company",
        0.6,
        "share of all hours",
        0.01,
        1.0,
        "assumption",
        "What this programme leaves free, other work takes up to this share; a programme pays for "
        "its part of the hours that are used.",
    ),
)
